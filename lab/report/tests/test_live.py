# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Verdicts while the suite runs, on a made-up folder of igt_runner."""

from __future__ import annotations

import os
import pathlib
import stat
from typing import Any

import pytest

from report import __main__ as main
from report import live, repeat
from report.expectations import Expectations, parse
from report.verdicts import Kind, Verdict

# In the place of IGT's program: each job of the made-up board has its results in a file.
IGT_RESULTS = """#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
tests = {}
for job in folder.glob("*/made-up.json"):
    tests |= json.loads(job.read_text())
(folder / "results.json").write_text(json.dumps({"tests": tests}))
"""


class Board:
    """A runner that has begun nothing of the subtests a, b and c."""

    def __init__(self, folder: pathlib.Path, **options: Any) -> None:
        self.igt = folder / "igt"
        self.igt.mkdir()
        self.planned = [f"igt@panthor/t@{name}" for name in "abc"]
        (self.igt / "joblist.txt").write_text("t a\nt b\nt c\n", encoding="utf-8")
        expected = Expectations(parse("# known to\npanthor/t@b,Fail"))
        self.live = live.Live(
            self.igt, folder / "work", self.planned, expected, {"stock": True}, quiet=False
        )
        self.live.quiet = options.get("quiet", False)

    def ran(self, job: int, subtest: str = "", result: str = "", **more: Any) -> None:
        """A job that has begun, and if there is a RESULT, ended."""
        folder = self.igt / str(job)
        folder.mkdir(exist_ok=True)
        if result:
            own = {"result": result, "out": "", "err": "", "time": {"start": 1, "end": 2}} | more
            main._write(folder / "made-up.json", {f"igt@panthor/t@{subtest}": own})


@pytest.fixture(autouse=True)
def igt_results(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "igt_results"
    program.parent.mkdir()
    program.write_text(IGT_RESULTS, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_verdicts_as_they_fall(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board(tmp_path)
    board.live.poll()
    board.ran(0, "a", "pass")
    board.live.poll()
    assert capsys.readouterr().out == ""
    board.ran(1, "b", "fail", err="(t:7) CRITICAL: words of b")
    board.live.poll()
    assert capsys.readouterr().out == "1/3     0 s  a  Pass               1.00 s\n"
    board.ran(2)
    board.live.poll()
    assert capsys.readouterr().out.splitlines() == [
        "2/3     0 s  b  ExpectedFail       1.00 s",
        "    words of b",
        "    expected: known to",
    ]
    board.ran(2, "c", "fail", err="(t:7) CRITICAL: words of c")
    (board.igt / "endtime.txt").write_text("", encoding="utf-8")
    board.live.poll()
    assert capsys.readouterr().out.splitlines() == [
        "3/3     0 s  c  Fail               1.00 s",
        "    words of c",
        "    repeat it: ./run --stock panthor/t@c",
    ]
    board.live.poll()
    assert capsys.readouterr().out == ""
    assert board.live.unexpected == 1


def test_quiet(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = Board(tmp_path, quiet=True)
    board.ran(0, "a", "pass")
    board.ran(1, "b", "pass")
    board.ran(2)
    board.live.poll()
    assert "b  UnexpectedPass" in capsys.readouterr().out
    assert set(board.live.shown) == set(board.planned[:2])


def test_results_that_igt_cannot_read(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(tmp_path)
    board.ran(0, "a", "pass")
    board.ran(1)
    monkeypatch.setenv("PATH", str(tmp_path))
    board.live.poll()
    assert (capsys.readouterr().out, board.live.shown) == ("", {})


def test_a_job_without_a_result(tmp_path: pathlib.Path) -> None:
    board = Board(tmp_path)
    board.ran(0, "a", "incomplete")
    board.ran(1)
    board.live.poll()
    assert board.live.shown == {}


def test_repeat() -> None:
    verdict = Verdict("igt@panthor/t@a-b", "fail", Kind.FAIL)
    assert repeat.command({}, verdict) == "./run panthor/t@a-b"
    about = {
        "stock": True,
        "tlb": "tiny:3",
        "seed": "7",
        "operations": "",
        "linked_with": "standalone",
        "kernel_given": "/a b",
        "patches_added": ["x.patch"],
        "params": ["k=v"],
        "cpu_page": 65536,
    }
    assert repeat.command(about, verdict) == (
        "./run --stock --kernel '/a b' --tlb tiny:3 --seed 7 --igt standalone --patch x.patch "
        "--param k=v --cpu-page 64K panthor/t@a-b"
    )
    about = {"arch": "arm64", "pages": "16k", "until": "x.patch"}
    assert repeat.command(about, verdict) == (
        "./run --arch arm64 --pages 16k --until x.patch panthor/t@a-b"
    )
    about = {"arch": "x86-64", "pages": "", "until": ""}
    assert repeat.command(about, verdict) == "./run panthor/t@a-b"
    assert repeat.command({"tests": ["t", "u"]}, verdict) == "./run --test t a-b"
    case = Verdict("igt@kunit/s@one", "fail", Kind.FAIL)
    assert repeat.command({}, case) == "./run --kunit kunit/s@one"


def test_progress_on_a_terminal(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    board = Board(tmp_path)
    board.live.terminal = True
    board.ran(0, "a", "fail")
    board.ran(1)
    board.live.poll()
    shown = capsys.readouterr()
    assert shown.out.startswith("1/3     0 s  a  Fail ")
    assert shown.err == "\r\033[K\r1 of 3, 0 s, 1 unexpected: b\033[K"


def test_watch_ends(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = Board(tmp_path)
    board.ran(0, "a", "pass")
    board.ran(1)
    (tmp_path / "stop").touch()
    live.watch(board.live, tmp_path / "stop")
    assert capsys.readouterr().out == "1/3     0 s  a  Pass               1.00 s\n"


def test_replay(tmp_path: pathlib.Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    about: dict[str, Any] = {
        "action": "run",
        "stock": True,
        "patches_added": ["/elsewhere/x.patch", "/elsewhere/a b.patch"],
        "fail_fast": True,
        "tests": ["t"],
        "globs": ["a-*", "!a-b"],
        "shard": "2/4",
    }
    with pytest.raises(repeat.NoReplay, match="given/ lacks patches"):
        repeat.replay(tmp_path, about, kernel_given=False)
    for name in ("02-a b.patch", "01-x.patch", "test-list"):
        (given / name).touch()
    assert repeat.replay(tmp_path, about, kernel_given=False) == [
        "--stock",
        "--patch",
        str(given / "01-x.patch"),
        "--patch",
        str(given / "02-a b.patch"),
        "--fail-fast",
        "--test",
        "t",
        "--test-list",
        str(given / "test-list"),
        "--shard",
        "2/4",
        "a-*",
        "!a-b",
    ]
    about["kernel_given"] = "/linux"
    with pytest.raises(repeat.NoReplay, match="give --kernel, too"):
        repeat.replay(tmp_path, about, kernel_given=False)
    assert "--kernel" not in repeat.replay(tmp_path, about, kernel_given=True)
    with pytest.raises(repeat.NoReplay, match="no run of subtests"):
        repeat.replay(tmp_path, {"action": "bench"}, kernel_given=False)
