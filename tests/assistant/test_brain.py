"""What the assistant says: from the message and the conversation, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.assistant import brain
from turnwire.assistant.brain import Entry, answer


def conversation(*messages: str) -> tuple[list[Entry], str]:
    """Hold it; the result is the history with all replies, and the last reply."""
    history: list[Entry] = []
    reply = ""
    for message in messages:
        reply = answer(message, history)
        history += [Entry("user", message), Entry("assistant", reply)]
    return history, reply


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("Hello", brain.GREETING),
        ("good morning!", brain.GREETING),
        ("What can you help me with?", brain.GREETING),
        ("When are you open?", brain.HOURS),
        ("What are your OPENING HOURS", brain.HOURS),
        ("How do I get a refund?", brain.REFUND),
        ("Can I return this?", brain.REFUND),
        ("How long does delivery take?", brain.DELIVERY),
        ("Where is my order?", brain.WHICH_ORDER),
        ("Order 12345, please", "Order 12345 is waiting for your payment."),
        ("12346", "Order 12346 is being packed and leaves us tomorrow."),
        ("#10001", "Order 10001 was delivered on Monday."),
        ("I want to talk to a human", brain.HUMAN),
        ("Tell me a story", brain.STORY),
        ("count to 5", "1 2 3 4 5"),
        ("Thanks a lot", brain.THANKS),
        ("bye", brain.FAREWELL),
        ("My name is Ada", "Nice to meet you, Ada. What can I do for you?"),
    ],
)
def test_knows_what_a_front_desk_knows(message, reply):
    assert answer(message) == reply


def test_an_order_number_is_remembered_from_an_earlier_turn():
    _, reply = conversation("I ordered something, number 4711", "Hello", "Has my order shipped?")
    assert reply == "Order 4711 has shipped and arrives on Thursday."


def test_the_latest_order_number_counts():
    _, reply = conversation("order 1111", "order 2222", "and where is that order?")
    assert reply.startswith("Order 2222 ")


def test_a_number_that_is_no_order_number_is_not_taken_for_one():
    _, reply = conversation("count to 12", "Where is my order?")
    assert reply == brain.WHICH_ORDER


def test_a_refund_is_about_the_order_that_was_spoken_of():
    _, reply = conversation("order 12345", "Can I get a refund?")
    assert reply == f"{brain.REFUND} That goes for order 12345 too."


def test_only_what_the_user_said_is_remembered():
    assert answer("Where is my order?", [Entry("assistant", "order 12345")]) == brain.WHICH_ORDER


def test_quotes_what_was_said_before():
    assert answer("What did I say before?") == brain.NOTHING_BEFORE
    _, reply = conversation("My name is Ada", "When are you open?", "What did I ask before?")
    assert reply == 'You said: "When are you open?"'
    _, reply = conversation("My name is Ada", "Hi", "What did I say first?")
    assert reply == 'Your first message was: "My name is Ada"'


def test_counts_the_turns():
    _, reply = conversation("Hi", "Hi", "How many messages is that?")
    assert reply == "This is message number 3 of our conversation."


def test_knows_the_users_name_only_if_it_was_told():
    assert answer("What is my name?") == brain.NO_NAME
    _, reply = conversation("Call me Ada", "What is my name?")
    assert reply == "Your name is Ada."
    _, reply = conversation("I am called Ada", "Hello")
    assert reply.startswith("Hello, Ada! I am")


def test_the_persona_says_who_the_user_is():
    assert answer("Who am I?", persona="an angry customer") == "You are an angry customer."


def test_counting_has_an_end():
    assert answer("count to 999999").split()[-1] == str(brain.MAX_COUNT)


def test_an_echo_is_the_text_itself_whatever_it_holds():
    text = 'a "quoted" {{message}}\n  second line, what did I say first? 👋'
    assert answer(f"echo {text}") == text


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200), st.lists(st.text(max_size=50), max_size=4))
def test_always_says_the_same_and_always_something(message, earlier):
    history = [Entry("user", text) for text in earlier]
    assert answer(message, history) == answer(message, list(history)) != ""
