"""What suites import, and what happens where names meet."""

from __future__ import annotations

from typing import Any

import pytest

from support.suite_files import SAYS_HI, Files, a_test


def _importing(*names: str, **more: Any) -> dict[str, Any]:
    return {"imports": list(names), "tests": [a_test()], **more}


def test_personas_requests_fixtures_and_variables_are_imported(files: Files) -> None:
    files.write(
        "shared/shop.yaml",
        "personas: {retail: A customer}\n"
        "requests: {open: https://a.example}\n"
        "fixtures: {account: {scope: suite, steps: [{request: open, assign: account}]}}\n"
        "variables: {city: Bern}\n",
    )
    suite = files.load(
        _importing("shared/shop.yaml", tests=[a_test(persona="retail", uses=["account"])])
    )
    assert suite.persona_text("retail") == "A customer"
    assert suite.requests["open"].url.source == "https://a.example"
    assert suite.fixtures["account"].scope == "suite"
    assert suite.fixtures["account"].steps[0].origin.file.endswith("shop.yaml")
    assert suite.variables == {"city": "Bern"}


def test_a_suite_s_own_definition_wins_over_an_imported_one(files: Files) -> None:
    files.write("a.json", {"variables": {"city": "Bern"}})
    files.write("b.json", {"variables": {"city": "Köln"}})
    suite = files.load(_importing("a.json", "b.json", variables={"city": "Wien"}))
    assert suite.variables == {"city": "Wien"}


def test_two_imports_that_define_one_name_are_an_error_that_names_both(files: Files) -> None:
    files.write("a.json", {"personas": {"x": "One"}})
    files.write("b.json", {"personas": {"x": "Another"}})
    problem = files.problem(_importing("a.json", "b.json"))
    assert problem.message == "The persona 'x' is imported twice."
    assert str(problem.file).endswith("b.json")
    assert "a.json" in str(problem.hint)


def test_a_file_that_is_reached_on_two_ways_is_read_once(files: Files) -> None:
    files.write("base.json", {"variables": {"city": "Bern"}})
    files.write("a.json", {"imports": ["base.json"]})
    files.write("b.json", {"imports": ["base.json"]})
    assert files.load(_importing("a.json", "b.json")).variables == {"city": "Bern"}


def test_files_that_import_one_another_are_an_error(files: Files) -> None:
    files.write("a.json", {"imports": ["b.json"]})
    files.write("b.json", {"imports": ["a.json"]})
    problem = files.problem(_importing("a.json"))
    assert problem.message == "Files import one another: a.json → b.json → a.json."
    assert problem.path == "$.imports[0]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file to import"),
        ({"tests": [a_test()]}, "Unknown key 'tests'"),
        ({"personas": ["x"]}, "Expected an object"),
        ({"personas": {"x": {"description": 3}}}, "Expected text"),
        ({"requests": {"x": {"url": "a", "methud": "GET"}}}, "Unknown key 'methud'"),
        ({"requests": {"x": "https://a.example/{{nope}}"}}, "Unknown placeholder"),
        ({"fixtures": {"x": []}}, "does nothing"),
        ({"fixtures": {"x": [{"mesage": "Hi"}]}}, "no step 'mesage'"),
        ({"fixtures": {"x": {"scope": "suite", "steps": [SAYS_HI]}}}, "needs a conversation"),
        ({"variables": {"x": {"$uid": True}}}, "no generator '$uid'"),
        ("{", "Broken JSON"),
    ],
)
def test_an_import_that_leads_nowhere_is_found(files: Files, content: Any, message: str) -> None:
    if content is not None:
        files.write("a.json", content)
    problem = files.problem(_importing("a.json"))
    assert message in problem.message


def test_what_is_wrong_in_an_import_is_shown_there(files: Files) -> None:
    files.write("a.yaml", "personas:\n  x:\n    descripton: Somebody\n")
    problems = files.problems(_importing("a.yaml"))
    assert {str(one.file).rpartition("/")[2] for one in problems} == {"a.yaml"}
    assert {one.line for one in problems} == {2, 3}
