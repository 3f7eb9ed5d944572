"""Masking: every written form of a value, values in values, and nothing innocent."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import random
import string
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from support.written_forms import written_forms
from turnwire_core.secrets import MASK, Secrets

AWKWARD = "pä\"ss/w\\or'd+=&<\U0001f600 %\n;"


FORMS = dict(written_forms(AWKWARD))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_value_is_masked_in_every_way_to_write_it(form: str) -> None:
    masked = Secrets([AWKWARD]).mask(f"before {form} after")
    assert masked.replace("=", "").replace("%3D", "") == "before *** after"


@pytest.mark.parametrize("value", ["abcde", "sk-proj-1234567890", "pass word", AWKWARD, "ключ🔑x"])
@pytest.mark.parametrize("before", ["", "u", "us", "user:", "someone:"])
@pytest.mark.parametrize("after", ["", "\n", "::", " and more"])
def test_a_value_within_a_longer_base64_text_is_masked(value: str, before: str, after: str) -> None:
    masker = Secrets([value])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = f"Basic {encode((before + value + after).encode()).decode()}"
        masked = masker.mask(text)
        assert MASK in masked
        # What is left says nothing of it: at most the bits that a neighbour shares.
        left = masked.removeprefix("Basic ").replace(MASK, "")
        unmasked_length = len(encode((before + after).encode()))
        assert len(left) <= unmasked_length + 4


@pytest.mark.parametrize("value", ["true", "test", "user", "none"])
def test_base64_that_is_too_short_to_tell_is_not_looked_for_inside_other_text(value: str) -> None:
    masker = Secrets([value])
    innocent = "".join(random.Random(1).choices(string.ascii_letters, k=20_000))
    assert masker.mask(innocent).count(MASK) == innocent.count(value)
    assert masker.mask(base64.b64encode(value.encode()).decode()).rstrip("=") == MASK


@pytest.mark.parametrize("value", ["", "1", "abc", "   ", "\n\n\n", "  x  "])
def test_a_value_too_short_to_be_told_from_other_text_is_not_masked(value: str) -> None:
    text = f"{value} 1 abc x"
    masked = Secrets([value.strip()]).mask(text)
    assert masked == text


def test_the_case_of_a_value_counts() -> None:
    assert Secrets(["TEST-Key"]).mask("a test-key and a TEST-Key") == "a test-key and a ***"


def test_a_value_read_from_a_file_is_masked_without_its_last_newline_too() -> None:
    masker = Secrets(["from-a-file\n"])
    assert masker.mask("Bearer from-a-file") == "Bearer ***"
    assert masker.mask('"from-a-file\\n"') == '"***"'
    assert masker.mask("from-a-file\nnext") == "***next"


@pytest.mark.parametrize("order", [1, -1])
def test_of_values_that_contain_one_another_nothing_is_left(order: int) -> None:
    masker = Secrets(["key-1234", "key-1234-prod", "1234-prod-eu"][::order])
    assert masker.mask("key-1234-prod") == MASK
    assert masker.mask("key-1234") == MASK
    assert masker.mask("see key-1234-prod-eu!") == "see ***!", "they overlap"


def test_a_value_that_a_mask_completes_is_masked_too() -> None:
    masker = Secrets(["ab***cd", "other", "****"])
    assert masker.mask("abothercd") == MASK
    assert masker.mask("*****") == MASK


def test_many_values_are_all_masked() -> None:
    values = [f"secret-{number:04d}-{'x' * (number % 7)}" for number in range(150)]
    assert Secrets(values).mask("|".join(values)) == "|".join([MASK] * 150)


def test_a_very_long_value_is_masked() -> None:
    lines = [base64.b64encode(bytes([n] * 48)).decode() for n in range(40)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    masker = Secrets([key])
    assert masker.mask(f"key: {key}") == "key: ***"
    assert masker.mask(json.dumps({"key": key})) == '{"key": "***"}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a" * 30 + "b", "a" * 50_000),
        ('\\"' * 30 + "x", '\\"' * 20_000),
        ("\\" * 30 + "x", "\\" * 50_000),
        ("%25" * 30 + "x", "%25252525" * 10_000),
        ("&amp;" * 20 + "x", "&amp;amp;amp;" * 10_000),
        ("/+" * 30 + "x", "\\/%2B" * 10_000),
        ("\n" * 20 + "x\n", "\\\\\\n" * 20_000),
    ],
)
def test_no_text_makes_masking_slow(value: str, text: str) -> None:
    # A pattern that backtracks would not come back from any of these.
    assert Secrets([value]).mask(text) == text


@pytest.mark.parametrize("value", ["caf\udce9-key", "odd\ud800half"])
def test_a_value_that_is_no_unicode_is_masked_all_the_same(value: str) -> None:
    masker = Secrets([value])
    assert masker.mask(f"<{value}>") == "<***>"
    assert masker.mask(json.dumps([value])) == '["***"]'


@given(
    value=st.text(min_size=4, max_size=20).filter(lambda text: len(text.strip()) >= 4),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
)
@example(value="\\\\\\\\", before="\\", after="\\")
@example(value="aaaa", before="aaa", after="aa")
@example(value="%25%25", before="%", after="25")
@example(value="****", before="*", after="*")
@settings(max_examples=200, deadline=None)
def test_no_written_form_survives_in_any_text(value: str, before: str, after: str) -> None:
    masker = Secrets([value])
    for name, form in written_forms(value):
        masked = masker.mask(before + form + after)
        assert form not in masked, name
        assert masker.mask(masked) == masked, "masking again changes nothing"


@given(st.lists(st.text(alphabet="ab*", min_size=4, max_size=8), min_size=1, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_of_values_that_overlap_none_survives(values: list[str], data: st.DataObject) -> None:
    masker = Secrets(values)
    pieces = data.draw(st.lists(st.sampled_from([*values, "a", "b", "*", " "]), max_size=10))
    masked = masker.mask("".join(pieces))
    assert not any(value in masked for value in values)
    assert masker.mask(masked) == masked


@given(st.text(), st.text(min_size=4, max_size=10))
@settings(max_examples=200, deadline=None)
def test_what_holds_no_secret_stays_as_it_is(text: str, value: str) -> None:
    assume(len(value.strip()) >= 4)
    # A secret of letters that no other writing can spell.
    value = "".join(chr(0x4E00 + ord(character) % 500) for character in value)
    assume(not any(character in text for character in value))
    assert Secrets([value]).mask(text) == text


# --- JSON ----------------------------------------------------------------------------------------


def test_every_text_of_a_json_value_is_masked_and_the_rest_kept() -> None:
    value = {
        "a": ["my-secret", 1, None, True, 2.5],
        "x-my-secret": {"b": "no"},
        "t": ("my-secret",),
    }
    assert Secrets(["my-secret"]).mask_json(value) == {
        "a": [MASK, 1, None, True, 2.5],
        "x-***": {"b": "no"},
        "t": [MASK],
    }
    assert value["a"][0] == "my-secret", "the original is not changed"


def test_a_number_that_is_a_secret_is_masked() -> None:
    assert Secrets(["90210777"]).mask_json({"pin": 90210777, "n": 5, "f": 90210777.5}) == {
        "pin": MASK,
        "n": 5,
        "f": "***.5",
    }


def test_json_nested_beyond_reason_is_masked_as_a_whole() -> None:
    value: Any = "my-secret"
    for _ in range(100_000):
        value = [value]
    masked = Secrets(["my-secret"]).mask_json(value)
    depth = 0
    while isinstance(masked, list):
        masked, depth = masked[0], depth + 1
    assert (masked, depth) == (MASK, 100)


# --- the set itself ------------------------------------------------------------------------------


def test_values_may_be_added_at_any_time() -> None:
    masker = Secrets()
    assert masker.mask("token-1 token-2") == "token-1 token-2"
    masker.add("token-1")
    assert masker.mask("token-1 token-2") == "*** token-2"
    masker.update(Secrets(["token-2"]))
    assert masker.mask("token-1 token-2") == "*** ***"
    assert len(masker) == 2


def test_nothing_that_shows_the_set_shows_a_value() -> None:
    masker = Secrets(["my-secret"])
    assert repr(masker) == "<Secrets: 1 values>"
    assert "my-secret" not in f"{masker} {masker!r} {[masker]}"
    assert not hasattr(masker, "__dict__")


def test_a_copy_hides_the_same_and_goes_its_own_way() -> None:
    masker = Secrets(["my-secret"])
    for copied in (copy.copy(masker), copy.deepcopy({"s": masker})["s"]):
        copied.add("another")
        assert copied.mask("my-secret another") == "*** ***"
    assert masker.mask("another") == "another"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secrets_are_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secrets(["my-secret"]), protocol)
