"""A value changes in a config file, and not one byte of the rest."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire.migrating import CannotEdit, Change, ConfigFile, FileChanged, edit
from turnwire.migrating.edits import changed
from turnwire_core.config import read_document

BOT = ("connections", "bot")
CHANGES = (
    Change((*BOT, "base_url"), "wss://b.example/?a=1#x"),
    Change((*BOT, "protocol"), "websocket", after="base_url"),
    Change((*BOT, "websocket"), {"contentPath": "a.b", "finish": [{"when": {"t": ["x", 1]}}]}),
)

FILES = {
    "json: a line for each key, comments everywhere": (
        "c.json",
        """\
// first
{ /* open */
  "connections": { // all
    "other": {"base_url": "https://a.example/"}, // {"not": "this"}
    // the bot
    "bot": {
      "base_url": "https://a.example/", // "base_url": "no"
      "timeoutMs": 5 /* five */ // last
      // over
    } /* closed */
  }
}
// end
""",
    ),
    "json: tabs, CRLF, no line end at the end": (
        "c.json",
        '{\r\n\t"connections": {\r\n\t\t"bot": {\r\n\t\t\t"base_url": "https://a.example/"\r\n'
        "\t\t}\r\n\t}\r\n}",
    ),
    "json: one line": ("c.jsonc", '{"connections": {"bot": {"base_url": "https://a.example/"}}}\n'),
    "json: a column below the first key": (
        "c.json",
        '{"connections": {"bot": {"base_url": "https://a.example/",\n'
        '                         "timeoutMs": 5}}}\n',
    ),
    "yaml: blocks, comments, other quotes": (
        "c.yaml",
        """\
# first
connections:   # all
   other: {base_url: "https://a.example/"}

   # the bot
   bot:
      # where
      base_url: 'https://a.example/'   # 'here'
      description: |
         Two
         # lines

      # over
   third:
      base_url: https://c.example/
""",
    ),
    "yaml: flow": ("c.yml", "connections: {bot: {base_url: 'https://a.example/'}}  # all\n"),
    "yaml: the end of the file is the end of the connection": (
        "c.yaml",
        "connections:\n  bot:\n    base_url: https://a.example/",
    ),
    "yaml: a document with marks": (
        "c.yaml",
        "---\nconnections:\n- ignored\n...\n".replace(
            "- ignored", "  bot:\n    base_url: https://a.example/ # x"
        ),
    ),
    "toml: tables": (
        "c.toml",
        """\
# first
[connections.other]
base_url = "https://o.example/"

[ connections . "bot" ]  # the bot
base_url = 'https://a.example/' # where
timeoutMs = 5

[connections.bot.limits]
idleMs = 1_000 # short

# end
[connections.third]
base_url = "https://t.example/"
""",
    ),
}


def _is_within(part: str, text: str) -> bool:
    """Whether every character of ``part`` is in ``text``, in this order."""
    rest = iter(text)
    return all(character in rest for character in part)


@pytest.mark.parametrize(("name", "text"), FILES.values(), ids=FILES.keys())
def test_only_the_lines_of_the_change_differ(name: str, text: str, tmp_path: Path) -> None:
    document = read_document(tmp_path / name, text)
    wanted = document.data
    for change in CHANGES:
        wanted = changed(wanted, change)

    edited = edit(document, text, CHANGES)

    assert read_document(tmp_path / name, edited).data == wanted
    assert edited.count("\r") == edited.count("\n") * ("\r" in text)
    old, new = text.splitlines(), edited.splitlines()
    touched = [line[2:] for line in difflib.ndiff(old, new) if line.startswith("- ")]
    assert len(touched) <= 2  # that of the URL, and one that a comma or a member is added to
    assert _is_within(text.replace("https://a.example/", ""), edited)
    for comment in ("// end", "/* five */ // last", "# over", "# short", "/* closed */", "# all"):
        assert (comment in edited) == (comment in text)


@pytest.mark.parametrize(("name", "text"), FILES.values(), ids=FILES.keys())
def test_a_change_and_back_is_the_same_text(name: str, text: str, tmp_path: Path) -> None:
    place = (*BOT, "base_url")
    there = edit(read_document(tmp_path / name, text), text, [Change(place, "http://b.example/")])
    back = [Change(place, "https://a.example/")]

    assert edit(read_document(tmp_path / name, there), there, back) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "c.yaml",
            "connections:\n  other: &one\n    base_url: https://a.example/\n  bot: *one\n",
        ),
        ("c.toml", 'connections = { bot = { base_url = "https://a.example/" } }\n'),
        ("c.toml", '[connections]\nbot.base_url = "https://a.example/"\n'),
    ],
)
def test_what_is_not_understood_is_refused_not_damaged(
    name: str, text: str, tmp_path: Path
) -> None:
    changes = CHANGES[1:]
    document = read_document(tmp_path / name, text)
    with pytest.raises(CannotEdit, match=r"bot|lines|written|changed"):
        edit(document, text, changes)


SPACE = st.sampled_from(["", " ", "\n", "\n\n  ", " // a: {\n", "/* ], */", "\t"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as somebody may have written it, with comments and breaks anywhere."""
    space = draw(SPACE)
    if isinstance(value, dict):
        members = [
            f"{draw(SPACE)}{json.dumps(key)}{draw(SPACE)}:{draw(written(item))}{draw(SPACE)}"
            for key, item in value.items()
        ]
        return f"{space}{{{','.join(members)}{draw(SPACE)}}}"
    if isinstance(value, list):
        return f"{space}[{','.join(draw(written(item)) for item in value)}{draw(SPACE)}]"
    return f"{space}{json.dumps(value, ensure_ascii=draw(st.booleans()))}"


@st.composite
def files(draw: st.DrawFn) -> str:
    bot = draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
    rest = draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=2))
    data = {"connections": {**rest, "bot": {**bot, "base_url": "x"}, **rest}}
    return draw(written(data)) + draw(SPACE)


@settings(max_examples=150, deadline=None)
@given(files(), VALUES)
def test_json_is_edited_however_it_is_written(text: str, value: Any) -> None:
    file = Path("c.json")
    document = read_document(file, text)
    changes = [
        Change((*BOT, "base_url"), "y"),
        Change((*BOT, "protocol"), "p", after="base_url"),
        Change((*BOT, "section"), value),
    ]
    wanted = document.data
    for change in changes:
        wanted = changed(wanted, change)

    edited = edit(document, text, changes)

    assert read_document(file, edited).data == wanted
    matcher = difflib.SequenceMatcher(None, text, edited, autojunk=False)
    kept = sum(block.size for block in matcher.get_matching_blocks())
    assert kept >= len(text) - 1  # all but the x


def test_a_file_that_somebody_else_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"connections": {}}')
    file = ConfigFile.read(path)
    path.write_text('{"connections": {"new": {}}}')

    with pytest.raises(FileChanged):
        file.replace("{}")
    assert path.read_text() == '{"connections": {"new": {}}}'


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n')
    file = ConfigFile.read(path)
    file.replace(file.text.replace("1", "2"))

    assert path.read_bytes() == b'\xef\xbb\xbf{"a": 2}\r\n'
