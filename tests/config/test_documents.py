"""Reading JSON, YAML and TOML: the same data, and for what is broken its line and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire_core import Config, ConfigError, Problem
from turnwire_core.config import as_path, read_document

Load = Callable[..., Config]
Problems = Callable[..., list[Problem]]

JSON = """\
{
  // one target
  "connections": {
    /* over
       two lines */
    "it": {
      "base_url": "https://a.example/chat", // not "https://b.example"
      "timeoutMs": 1500,
      "headers": {"X-Text": "// no comment", "X-Star": "/* nor this */"}
    }
  }
}
"""
YAML = """\
# one target
connections:
  it:
    base_url: https://a.example/chat
    timeoutMs: 1500
    headers:
      X-Text: "// no comment"
      X-Star: /* nor this */
"""
TOML = """\
# one target
[connections.it]
base_url = "https://a.example/chat"
timeoutMs = 1500
headers = { X-Text = "// no comment", X-Star = "/* nor this */" }
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (JSON, "c.json"),
        (JSON, "c.jsonc"),
        (JSON, "C.JSON"),
        ("\ufeff" + JSON, "bom.json"),
        (JSON.replace("\n", "\r\n"), "crlf.json"),
        (YAML, "c.yaml"),
        (YAML, "c.yml"),
        (TOML, "c.toml"),
    ],
)
def test_the_three_formats_say_the_same(load: Load, text: str, name: str) -> None:
    connection = load(text, name).connection("it")
    assert connection.base_url == "https://a.example/chat"
    assert connection.timeout_ms == 1500
    assert {name: template.source for name, template in connection.headers.items()} == {
        "X-Text": "// no comment",
        "X-Star": "/* nor this */",
    }


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        (JSON.replace("1500", '"soon"'), "c.json", 8),
        (YAML.replace("1500", "soon"), "c.yaml", 5),
        (TOML.replace("1500", '"soon"'), "c.toml", 4),
    ],
)
def test_a_problem_has_file_line_path_and_message(
    problems: Problems, text: str, name: str, line: int
) -> None:
    (problem,) = problems(text, name)
    assert problem.file is not None
    assert problem.file.endswith(name)
    assert problem.line == line
    assert problem.path == "$.connections.it.timeoutMs"
    assert problem.message == "Expected a number, found text."


@pytest.mark.parametrize(
    ("text", "name", "line", "message"),
    [
        ('{\n"a": 1\n"b": 2}', "c.json", 3, "Broken JSON"),
        ('{\n"a": nul}', "c.json", 2, "Broken JSON"),
        ('{\n"a": 1,  // one\n}', "c.jsonc", 2, "Broken JSON: a comma before the closing }"),
        ('{"a": [1,\n2,]\n}', "c.json", 2, "Broken JSON: a comma before the closing ]"),
        ('{"a": [1,]\n, nul}', "c.json", 1, "Broken JSON: a comma before the closing ]"),
        ("", "c.json", 1, "Broken JSON"),
        ('{"a": /* open', "c.json", 1, "Broken JSON"),
        ("a: 1\nb: [1\n", "c.yaml", 3, "Broken YAML"),
        ("a: 1\n\tb: 2\n", "c.yaml", 2, "Broken YAML"),
        ("a: 1\n---\nb: 2\n", "c.yaml", None, "Broken YAML"),
        ("a = 1\nb = \n", "c.toml", 2, "Broken TOML"),
        ("a = 1\na = 2\n", "c.toml", 2, "Broken TOML"),
    ],
)
def test_broken_syntax_is_reported_with_its_line(
    problems: Problems, text: str, name: str, line: int | None, message: str
) -> None:
    (problem,) = problems(text, name)
    assert problem.message.startswith(message)
    if line is not None:
        assert problem.line == line


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        (
            '{"connections": {"it": {\n"base_url": "http://a",\n"base_url": "http://b"}}}',
            "c.json",
            2,
        ),
        ("connections:\n  it:\n    base_url: http://a\n    base_url: http://b\n", "c.yaml", 4),
    ],
)
def test_a_key_that_is_there_twice_is_an_error_with_its_place(
    problems: Problems, text: str, name: str, line: int
) -> None:
    (problem,) = problems(text, name)
    assert "'base_url' is there twice" in problem.message
    assert problem.path == "$.connections.it.base_url"
    assert problem.line == line


def test_every_doubled_key_is_reported(problems: Problems) -> None:
    found = problems('{"a": {"x": 1, "x": 2}, "b": [{"y": 1, "y": 2}], "a": 1}')
    assert sorted(problem.path for problem in found) == ["$.a", "$.b[0].y", "$.x"]


@pytest.mark.parametrize("name", ["c.ini", "c", "c.json.txt"])
def test_an_unknown_kind_of_file_lists_the_known_ones(problems: Problems, name: str) -> None:
    (problem,) = problems("{}", name)
    assert "Unknown kind of file" in problem.message
    assert problem.hint == "Known: .json, .jsonc, .yaml, .yml, .toml."


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "latin.yaml").write_bytes("é: ü".encode("latin-1"))
    for name, reason in [
        ("missing.json", "No such file"),
        ("folder.json", "Is a directory"),
        ("latin.yaml", "not UTF-8"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            read_document(tmp_path / name)


def test_a_file_beyond_all_reason_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than"):
        read_document(file)


# --- what an attacker, or a slip, puts into a file -----------------------------------------------


def test_a_bomb_of_yaml_aliases_ends_early(problems: Problems) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    (problem,) = problems("\n".join(lines), "c.yaml")
    assert "counting aliases" in problem.message


def test_a_yaml_alias_may_be_used_several_times(load: Load) -> None:
    config = load(
        "connections:\n"
        "  a: {base_url: 'http://a', headers: &shared {X-A: one}}\n"
        "  b: {base_url: 'http://b', headers: *shared}\n",
        "c.yaml",
    )
    assert config.connections["b"].headers["X-A"].source == "one"


def test_a_yaml_alias_that_contains_itself_is_refused(problems: Problems) -> None:
    (problem,) = problems("connections: &c\n  it: *c\n", "c.yaml")
    assert problem.message == "An alias that contains itself."
    assert problem.path == "$.connections.it"


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!secret x", "!!binary aGk=", "!!set {a}"]
)
def test_yaml_tags_make_no_objects(problems: Problems, tag: str) -> None:
    text = f"connections:\n  it:\n    base_url: http://a\n    persona: {tag}\n"
    found = problems(text, "c.yaml")
    assert found[0].line == 4 or "Expected text" in found[0].message
    assert found[0].path == "$.connections.it.persona"


def test_yaml_merge_keys_are_refused_not_half_understood(problems: Problems) -> None:
    (problem,) = problems("connections:\n  it:\n    <<: {base_url: http://a}\n", "c.yaml")
    assert "'<<'" in problem.message
    assert problem.line == 3


@pytest.mark.parametrize("word", ["no", "on", "yes", "2026-01-02", "12:30:45", "0o17x"])
def test_yaml_words_that_look_like_something_else_are_text(load: Load, word: str) -> None:
    text = f"connections:\n  it:\n    base_url: http://a\n    persona: {word}\n"
    assert load(text, "c.yaml").connection("it").persona == word


def test_a_toml_date_is_text_as_it_is_in_the_other_formats(load: Load) -> None:
    text = '[connections.it]\nbase_url = "http://a"\nvariables.day = 2026-01-02\n'
    assert load(text, "c.toml").connection("it").variables == {"day": "2026-01-02"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"connections": {"it": {"base_url": "http://a", "variables": {"x": NaN}}}}', "c.json"),
        ('{"connections": {"it": {"base_url": "http://a", "variables": {"x": -1e999}}}}', "c.json"),
        ("connections: {it: {base_url: 'http://a', variables: {x: .nan}}}", "c.yaml"),
        ('[connections.it]\nbase_url = "http://a"\nvariables.x = inf\n', "c.toml"),
    ],
)
def test_a_number_that_json_does_not_have_is_refused(
    problems: Problems, text: str, name: str
) -> None:
    (problem,) = problems(text, name)
    assert problem.message.startswith("JSON has no number")
    assert problem.path == "$.connections.it.variables.x"


@pytest.mark.parametrize("digits", [16, 400, 5000])
def test_a_number_of_very_many_digits_is_a_problem_like_any_other(
    problems: Problems, digits: int
) -> None:
    number = "9" * digits
    text = f'{{"connections": {{"it": {{"base_url": "http://a", "timeoutMs": {number}}}}}}}'
    (problem,) = problems(text)
    assert "sensible size" in problem.message or "too many digits" in problem.message


@pytest.mark.parametrize("depth", [101, 300, 500, 900, 20_000])
def test_nesting_beyond_reason_is_a_problem_like_any_other(problems: Problems, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    text = (
        f'{{"connections": {{"it": {{"base_url": "http://a", "variables": {{"x": {nested}}}}}}}}}'
    )
    (problem,) = problems(text)
    assert "nested" in problem.message


json_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_data, st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_any_json_is_read_as_json_and_every_place_in_it_has_its_line(
    tmp_path_factory: pytest.TempPathFactory, data: object, indent: int
) -> None:
    file = tmp_path_factory.mktemp("any") / "c.json"
    file.write_text(json.dumps(data, indent=indent), encoding="utf-8")
    document = read_document(file)
    assert document.data == data
    lines = document.text.split("\n")
    for location in _locations(data):
        line = document.line_of(location)
        assert line is not None
        key = location[-1] if location else None
        if isinstance(key, str):
            assert json.dumps(key) in lines[line - 1]


def _locations(data: object) -> list[tuple[str | int, ...]]:
    found: list[tuple[str | int, ...]] = [()]
    items: list[tuple[str | int, object]] = []
    if isinstance(data, dict):
        items = list(data.items())
    elif isinstance(data, list):
        items = list(enumerate(data))
    for key, item in items:
        found += [(key, *rest) for rest in _locations(item)]
    return found


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ((), "$"),
        (("connections", "my-bot", "sse", 0), "$.connections.my-bot.sse[0]"),
        (("a b", "c.d", 'e"f'), '$["a b"]["c.d"]["e\\"f"]'),
    ],
)
def test_a_place_is_written_as_a_path(location: tuple[str | int, ...], path: str) -> None:
    assert as_path(location) == path


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("connections", "it"), 1),
        (("connections", "it", "base_url"), 2),
        (("connections", "it", "sse", "finish", 1, "path"), 3),
        (("connections", "it", "sse", "contentPath"), 5),
        (("connections", "my bot"), 6),
        (("connections", "my bot", "limits", "idleMs"), 7),
        (("elsewhere", "it"), None),
    ],
)
def test_a_place_in_toml_is_found_by_tables_and_dotted_keys(
    tmp_path: Path, location: tuple[str | int, ...], line: int | None
) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        "[connections.it]\n"
        'base_url = "http://a"\n'
        'sse.finish = [{path = "a"}, {path = "b"}]\n'
        "# a comment = nothing\n"
        'sse.contentPath = "x"\n'
        '[connections."my bot"]\n'
        "limits.idleMs = 5\n"
    )
    assert read_document(file).line_of(location) == line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.json", '{"a": ' + "[" * 5000),
        ("config.yaml", "a: " + "[" * 1500),
        ("config.toml", "a = " + "[" * 5000),
    ],
)
def test_a_file_that_is_nested_too_deeply_is_refused(
    problems: Problems, name: str, text: str
) -> None:
    (problem,) = problems(text, name)
    assert "nested too deeply" in problem.message


def test_a_number_of_too_many_digits_in_toml_is_a_problem_like_any_other(
    problems: Problems,
) -> None:
    (problem,) = problems("a = " + "9" * 5000, "config.toml")
    assert "too many digits" in problem.message
