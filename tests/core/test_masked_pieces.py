"""Masking a text that arrives in pieces: what a mask over all of it hides, wherever it is cut."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnwire_core.secrets import MASK, MaskedPieces, Secrets

SECRET = 'sk-tést/1+2"3'


def shown(secrets: Secrets, pieces: Sequence[str]) -> list[str]:
    """What comes out for each piece; every piece must come out, once and in order."""
    stream: MaskedPieces[int] = MaskedPieces(secrets)
    out = [one for number, piece in enumerate(pieces) for one in stream.feed(number, piece)]
    out += stream.end()
    assert [number for number, _ in out] == list(range(len(pieces)))
    return [text for _, text in out]


FORMS = {
    "plain": SECRET,
    "URL": quote(SECRET, safe=""),
    "URL twice": quote(quote(SECRET, safe=""), safe=""),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON in JSON": json.dumps(json.dumps(SECRET))[3:-3],
    "HTML": SECRET.replace('"', "&quot;").replace("+", "&#x002b;"),
    "base64": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "base64 for URLs": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    "within base64": base64.b64encode(f"u:{SECRET}--".encode()).decode()[3:-2],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_masked_wherever_it_is_cut(form: str) -> None:
    secrets = Secrets([SECRET])
    whole = f"<{form}>"
    expected = secrets.mask(whole)
    assert MASK in expected
    for cut in range(len(whole) + 1):
        assert "".join(shown(secrets, [whole[:cut], whole[cut:]])) == expected
    assert "".join(shown(secrets, list(whole))) == expected


def test_each_piece_keeps_what_is_its_own() -> None:
    secrets = Secrets(["abcdef"])
    assert shown(secrets, ["1 ab", "cd", "ef 2", " 3"]) == ["1 ***", "", " 2", " 3"]
    assert shown(secrets, ["1 ab", "", "cd", "x 2"]) == ["1 ab", "", "cd", "x 2"]
    assert shown(secrets, ["abcdef", "abcdef"]) == ["***", ""], "as if they were one"


def test_only_what_may_be_the_beginning_of_a_secret_is_held_back() -> None:
    stream: MaskedPieces[int] = MaskedPieces(Secrets(["#key-1234"]))
    assert stream.feed(0, "nothing. ") == [(0, "nothing. ")]
    assert stream.feed(1, "see #key-") == []
    assert stream.feed(2, "12") == []
    assert stream.feed(3, "99. ") == [(1, "see #key-"), (2, "12"), (3, "99. ")]
    assert stream.feed(4, "see #key-1234") == [(4, "see ***")], "the secret is whole"
    assert stream.feed(5, " #") == []
    assert stream.end() == [(5, " #")]
    assert stream.feed(6, "key-1234") == [(6, "key-1234")], "another text"


def test_what_is_held_back_is_never_more_than_a_secret() -> None:
    secrets = Secrets(["aaaaaaaa"])
    stream: MaskedPieces[None] = MaskedPieces(secrets)
    held = 0
    text = ""
    for _ in range(1000):
        out = stream.feed(None, "a")
        held += 1 - len(out)
        text += "".join(piece for _, piece in out)
        assert held < 12, "eight, or the eleven that they are in base64"
    assert text + "".join(piece for _, piece in stream.end()) == MASK


@pytest.mark.parametrize("text", ["&#" + "0" * 5000, "\\" * 5000, "%25" * 5000, "a" * 5000])
def test_no_endless_text_is_held_back_for_ever(text: str) -> None:
    stream: MaskedPieces[None] = MaskedPieces(Secrets(["a&&b%%c\\\\d", "aaaab"]))
    come = [1 for character in text for _ in stream.feed(None, character)]
    assert len(come) > len(text) - 100


ALPHABET = 'ab/+&%"\\ é2f5'


@given(
    values=st.lists(st.text(ALPHABET, min_size=4, max_size=9), min_size=1, max_size=3),
    data=st.data(),
)
@example(values=["%25%25"], data=None)
@settings(max_examples=150, deadline=None)
def test_of_any_text_in_any_pieces_as_much_is_hidden_as_of_the_whole(
    values: list[str], data: st.DataObject | None
) -> None:
    secrets = Secrets(values)
    parts: list[str] = []
    for value in values:
        url, string = quote(value, safe=""), json.dumps(value)[1:-1]
        parts += [value, url, quote(url), string, base64.b64encode(value.encode()).decode()]
    if data is None:
        text, cuts = "".join(parts), list(range(0, 100, 3))
    else:
        word = st.one_of(st.sampled_from(parts), st.text(ALPHABET, max_size=4))
        text = "".join(data.draw(st.lists(word, max_size=6)))
        cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    masked = "".join(shown(secrets, pieces))
    for part in parts:
        if len(part.strip()) >= 6:
            assert part.strip("= ") not in masked
    # Never less than a mask over all of it: what is left is left by both.
    assert len(masked.replace(MASK, "")) <= len(secrets.mask(text).replace(MASK, ""))
