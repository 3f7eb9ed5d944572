"""A report is a whole file or none, for everyone that the umask allows."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from turnwire.reports.files import ReportError, write_report


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "report.json"
    write_report(file, "old")
    write_report(file, "new\r\n")
    assert file.read_bytes() == b"new\r\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.json"
    write_report(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_report(file, "new\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name == "nt", reason="no umask")
def test_others_may_read_it_if_the_umask_says_so(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_report(tmp_path / "open", "text")
        os.umask(0o077)
        write_report(tmp_path / "closed", "text")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("open", "closed")]
    assert modes == [0o644, 0o600]


def test_a_link_goes_on_pointing_at_its_file(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_report(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_the_summary_of_a_github_step_is_appended_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary"
    summary.write_text("from an earlier command\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    write_report(summary, "ours\n")
    assert summary.read_text() == "from an earlier command\nours\n"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_report(pipe, "text")
    reader.join(10)
    assert read == ["text"]


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ReportError, match=r"Cannot write the report .*file/report\.json: "):
        write_report(blocker / "report.json", "text")
