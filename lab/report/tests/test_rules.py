# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Findings of the referee: whose they are, and what they do to verdicts, on a made-up results folder."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from report import __main__ as main
from report import rules
from report.expectations import Expectations
from report.tests.conftest import Results
from report.verdicts import Kind

JOBS = ("panthor/t a", "panthor/t b", "panthor/t C")
IGNORED = "5,1,900000,-;[IGT] add ignored dmesg regex: x\n"


class Run:
    """A results folder: subtests a, b and C began at seconds 100, 110 and 120 and ended at 130."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.jobs = list(JOBS)
        (folder / "igt").mkdir()
        self.results = Results()
        for name in "abc":
            self.results.add(name, "pass")
        for number in range(len(JOBS)):
            self.job(number, 100 + 10 * number)
        self.write_jobs()
        self.touch(folder / "igt" / "endtime.txt", 130)

    def touch(self, path: pathlib.Path, time: float, text: str = "") -> None:
        path.write_text(text, encoding="utf-8")
        os.utime(path, (time, time))

    def write_jobs(self) -> None:
        (self.folder / "igt" / "joblist.txt").write_text("\n".join(self.jobs) + "\n")

    def job(self, number: int, began: float, log: str = "") -> None:
        """A file that nobody writes to, and one that is written to the end."""
        folder = self.folder / "igt" / str(number)
        folder.mkdir(exist_ok=True)
        self.touch(folder / "err.txt", began)
        self.touch(folder / "dmesg.txt", began + 8, log)
        os.utime(folder, (began + 5, began + 5))

    def found(self, rule: str, time: float, **more: Any) -> None:
        finding = {"rule": rule, "by": "driver", "time": time, "words": "Words.", "seen": "what"}
        with (self.folder / "rules.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(finding | more) + "\n")

    def judge(self, mode: str = "fail") -> tuple[list[Kind], list[list[str]], tuple[list[str], bool]]:
        """Kinds and reasons of a, b and C, and what is outside."""
        judged = self.results.judge("a", "b", "C")
        referee = rules.Referee(self.folder, self.results.expected, mode)
        referee.apply(judged)
        return [one.kind for one in judged], [one.reason for one in judged], referee.rest()


@pytest.fixture(name="run")
def made_up(tmp_path: pathlib.Path) -> Run:
    return Run(tmp_path)


def test_nothing_found(run: Run) -> None:
    assert run.judge() == ([Kind.PASS] * 3, [[], [], []], ([], False))


def test_the_subtest_that_ran(run: Run) -> None:
    run.found("lock-moved", 110.5, **{"as": 2, "led_to": ["one", "two", "three", "four", "five"]})
    run.found("lock-moved", 119.9)
    run.found("lock-moved", 119.9)
    run.found("ring-invalid", 125)
    kinds, reasons, outside = run.judge()
    assert kinds == [Kind.PASS, Kind.FAIL, Kind.FAIL]
    assert reasons[1] == [
        "broke rule lock-moved (3 times): Words.",
        "  AS2: what",
        "    two",
        "    three",
        "    four",
        "    five",
        "  what",
    ]
    assert reasons[2] == ["broke rule ring-invalid: Words.", "  what"]
    assert outside == ([], False)


def test_modes(run: Run) -> None:
    run.found("lock-moved", 115)
    run.found("lock-moved", 99)
    assert run.judge("warn")[0] == [Kind.PASS] * 3
    assert run.judge("warn")[1][1] == ["broke rule lock-moved: Words.", "  what"]
    assert run.judge("warn")[2] == (["broke rule lock-moved: Words.", "  what"], False)
    assert run.judge("off") == ([Kind.PASS] * 3, [[], [], []], ([], False))


@pytest.mark.parametrize("time", [99.9, 130.1, 0])
def test_outside_of_subtests(run: Run, time: float) -> None:
    run.found("mcu-without-l2", time)
    kinds, _, outside = run.judge()
    assert kinds == [Kind.PASS] * 3
    assert outside == (["broke rule mcu-without-l2: Words.", "  what"], True)


def test_what_a_client_does(run: Run) -> None:
    run.found("stream-not-modelled", 115, by="client")
    assert run.judge()[0] == [Kind.PASS] * 3


def test_findings_that_were_only_counted(run: Run) -> None:
    run.found("lock-moved", 115)
    with (run.folder / "rules.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"rule":"lock-moved","by":"driver","lost":7}\n{"rule":"lock-mo')
    kinds, _, outside = run.judge()
    assert kinds[1] is Kind.FAIL
    assert outside == (["broke rule lock-moved (7 times): ", "  "], True)


@pytest.mark.parametrize("line", ["", "{}", "[]", "7", "null", '{"rule":1,"time":"x"}', "\x00\xff"])
def test_lines_that_are_none(run: Run, line: str) -> None:
    (run.folder / "rules.jsonl").write_text(line + "\n", encoding="utf-8")
    assert run.judge() == ([Kind.PASS] * 3, [[], [], []], ([], False))


def test_expected(run: Run) -> None:
    run.results.fails = (
        "# known\nrules@lock-moved@panthor/t@(b|x),Fail\n\n"
        "# at boot\nrules@mcu-without-l2@,Fail\n"
    )
    run.found("lock-moved", 115)
    run.found("mcu-without-l2", 50)
    kinds, reasons, outside = run.judge()
    assert kinds == [Kind.PASS] * 3
    assert reasons[1] == ["broke rule lock-moved, expected: known"]
    assert outside == (["broke rule mcu-without-l2, expected: at boot"], False)
    run.found("lock-moved", 125)
    run.found("ring-invalid", 115)
    kinds, reasons, _ = run.judge()
    assert kinds == [Kind.PASS, Kind.FAIL, Kind.FAIL]
    assert reasons[1][1:] == ["broke rule ring-invalid: Words.", "  what"]


def test_beside_an_expected_failure(run: Run) -> None:
    run.results.add("b", "fail", err="(t:7) CRITICAL: words")
    run.results.fails = "# known\npanthor/t@b,Fail"
    assert run.judge()[0][1] is Kind.EXPECTED_FAIL
    run.found("lock-moved", 115)
    assert run.judge()[0][1] is Kind.FAIL


def test_a_failure_stays_what_it_is(run: Run) -> None:
    run.results.add("b", "crash", err="(t:7) CRITICAL: words")
    run.found("lock-moved", 115)
    kinds, reasons, _ = run.judge()
    assert kinds[1] is Kind.CRASH
    assert reasons[1] == ["words", "broke rule lock-moved: Words.", "  what"]


def test_binaries(run: Run) -> None:
    """--multiple-mode: the kernel log of a job has the guest's time of each subtest."""
    log = "".join(
        f"14,1,{microseconds},-;[IGT] t: {words}\n"
        for microseconds, words in (
            (5000000, "executing"),
            (5100000, "starting subtest a"),
            (7000000, "starting subtest b"),
            (9000000, "starting subtest C"),
        )
    )
    run.jobs = ["panthor/t a,b,C"]
    run.write_jobs()
    run.job(0, 100, IGNORED + log)
    run.found("lock-moved", 100.05)
    run.found("lock-moved", 103.5)
    kinds, _, outside = run.judge()
    assert kinds == [Kind.PASS, Kind.FAIL, Kind.PASS]
    assert outside[1]


def test_no_runner_at_all(tmp_path: pathlib.Path) -> None:
    """KUnit, or a board that died at boot."""
    (tmp_path / "rules.jsonl").write_text('{"rule":"lock-moved","time":5}\n', encoding="utf-8")
    referee = rules.Referee(tmp_path, Expectations(), "fail")
    referee.apply([])
    assert referee.rest() == (["broke rule lock-moved: ", "  "], True)


# -------------------------------------------------------------------------------------------------
# The commands


def command(run: Run, *words: str) -> None:
    arguments = main.options().parse_args(list(words))
    (run.folder / "selected.txt").write_text("igt@panthor/t@a\nigt@panthor/t@b\nigt@panthor/t@C\n")
    (run.folder / "results.json").write_text(json.dumps({"tests": run.results.tests}))
    arguments.run(arguments)


def judged(run: Run, mode: str) -> str:
    command(
        run,
        "judge",
        *("--selected", str(run.folder / "selected.txt")),
        *("--expectations", str(run.folder), "--kernel", "7.3"),
        *("--results", str(run.folder / "results.json"), "--out", str(run.folder)),
        *("--statuses", str(run.folder / "statuses"), "--rules", mode),
    )
    return (run.folder / "statuses").read_text(encoding="utf-8").strip()


def test_judge(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.found("lock-moved", 115)
    assert judged(run, "off") == judged(run, "warn") == ""
    assert judged(run, "fail") == "1"
    assert "    broke rule lock-moved: Words.\n" in capsys.readouterr().out


def test_judge_outside(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.found("lock-moved", 5)
    assert judged(run, "fail") == "1"
    out = capsys.readouterr().out
    assert out.endswith("outside of any subtest the driver\n    broke rule lock-moved: Words.\n      what\n")


def test_ruled(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.found("lock-moved", 115)
    run.found("lock-moved", 125)
    run.found("ring-invalid", 125)
    judged(run, "fail")
    wanted = run.folder / "wanted"
    wanted.write_text("lock-moved t@b\nlock-moved t@gone\n", encoding="utf-8")
    command(run, "ruled", str(run.folder), str(wanted))
    capsys.readouterr()
    wanted.write_text("lock-moved t@a\nlock-moved t@b\nlock-moved t@C\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        command(run, "ruled", str(run.folder), str(wanted))
    assert capsys.readouterr().out == (
        "t@a broke no rule, not lock-moved\n"
        "t@C broke lock-moved, ring-invalid, not lock-moved\n"
    )
