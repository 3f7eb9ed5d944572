"""Paths and templates: any text is one, or an error of theirs; and what is one, always works."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import any_json, fuzz, json_data, scalars
from turnwire_core.paths import Path, PathSyntaxError
from turnwire_core.templates import Template, TemplateError

path_text = st.lists(
    st.sampled_from(
        [
            "$",
            ".",
            "a",
            "b",
            "[",
            "]",
            "[0]",
            "[-1]",
            "[*]",
            '["a"]',
            "['",
            "|",
            " ",
            "*",
            "\\",
            "é",
        ]
    ),
    max_size=10,
).map("".join)
names = st.sampled_from(["a", "b", "", "é", "0"])

template_text = st.lists(
    st.sampled_from(
        ["{{", "}}", "message", "...", "messages", "persona", "variables.", "env.", "a", "b[0]",
         ".x", "\\", " ", "{", "sessionId", "é", "\n"]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join)  # fmt: skip
sources = json_data(scalars | template_text, template_text | names)


@fuzz
@given(text=path_text | st.text(max_size=15), data=json_data(scalars, names))
@example(text="[*]" * 500, data=[[[]]])
@example(text="a." * 5000 + "a", data={"a": {}})
@example(text="[" + "9" * 5000 + "]", data=[1])
def test_a_path_finds_something_or_nothing_in_any_data(text: str, data: Any) -> None:
    try:
        path = Path(text)
    except PathSyntaxError as exc:
        column = exc.column
    else:
        path.get(data)
        return
    assert 1 <= column <= len(text) + 1


@fuzz
@given(source=sources, message=st.text(), variables=st.dictionaries(names, any_json, max_size=3))
@example(source="{{" * 2000, message="", variables={})
@example(source="{{variables.a[-1].b}}", message="", variables={"a": 1})
def test_a_template_renders_to_what_json_can_carry(
    source: Any, message: str, variables: dict[str, Any]
) -> None:
    try:
        template = Template(source)
    except TemplateError:
        return
    values = {
        "message": message,
        "messages": [{"role": "user", "content": message}],
        "transcript": [{"role": "user", "content": message}],
        **{f"variables.{name}": value for name, value in variables.items()},
    }
    json.dumps(template.render(values))
    assert repr(template)
