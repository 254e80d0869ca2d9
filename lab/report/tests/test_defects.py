# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The judgements of ./check, on made-up runs."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from report import __main__ as main
from report import defects, page


def run(*words: str) -> list[dict[str, Any]]:
    """verdicts.json of words SUBTEST:RESULT[:CLASS]. The class is the result if not given."""
    made = []
    for word in words:
        name, result, *more = word.split(":")
        reason = [] if result == "pass" else [f"words of {name}"]
        made.append(
            {
                "id": f"igt@panthor/t@{name}",
                "test": "panthor/t",
                "subtest": name,
                "result": result,
                "class": more[0] if more else result,
                "reason": reason,
            }
        )
    return made


# -------------------------------------------------------------------------------------------------
# Two runs

WORDS = ("in a process of its own", "beside others")


def pair(one: str, other: str, least: int = 0) -> tuple[list[str], bool]:
    """Two runs with two failures each, and one more subtest."""
    apart = run("a:pass", "b:skip", "c:fail", "d:timeout:fail", one)
    together = run("a:pass", "b:skip", "c:dmesg-fail:fail", "d:fail", other)
    return defects.same(apart, together, least, WORDS)


def test_the_same_subtests_fail() -> None:
    assert pair("e:pass", "e:pass", 2) == (["5 subtests fare alike, 2 of them fail"], True)


def test_too_few_fail() -> None:
    assert pair("e:pass", "e:pass", 3) == (["only 2 fail, of 3 that have to"], False)


@pytest.mark.parametrize(
    ("one", "other", "fares"),
    [
        ("e:pass", "e:fail", ("pass", "fail")),
        ("e:fail", "e:pass", ("fail", "pass")),
        ("e:pass", "e:skip", ("pass", "skip")),
        ("e:skip", "e:skip:fail", ("skip", "fail")),
        ("e:notrun:fail", "e:notrun:fail", ("not run", "not run")),
    ],
)
def test_one_differs(one: str, other: str, fares: tuple[str, str]) -> None:
    lines, good = pair(one, other)
    assert not good
    assert lines[0] == (
        f"igt@panthor/t@e: {fares[0]} in a process of its own, {fares[1]} beside others"
    )
    assert "    words of e" in lines


def test_known_failures_fail_and_what_is_left_out_is_alike() -> None:
    assert pair("e:fail:known", "e:fail", 3)[1]
    assert pair("e:skip:left", "e:skip:left")[1]


def test_different_subtests() -> None:
    assert pair("e:pass", "f:pass")[0] == [
        "igt@panthor/t@e: pass in a process of its own, not selected beside others",
        "igt@panthor/t@f: not selected in a process of its own, pass beside others",
    ]


def test_no_subtest_at_all() -> None:
    assert defects.same([], [], 0, WORDS) == (["no subtest at all"], False)


# -------------------------------------------------------------------------------------------------
# One run on the driver with a defect


@pytest.mark.parametrize("status", [1, 5, 6])
def test_a_run_that_failed_shows_a_defect(status: int) -> None:
    assert defects.shows_nothing(status, ["t@a"]) is None


def test_a_run_that_cannot_show_a_defect() -> None:
    assert defects.shows_nothing(0, ["t@a"]) == "nothing failed"
    assert defects.shows_nothing(0, []) is None
    for status in (2, 3, 4, 7, 8):
        assert defects.shows_nothing(status, ["t@a"]) == "nothing ran"


def test_caught() -> None:
    """A known failure proves nothing; who did not run is to run again."""
    verdicts = run("a:fail", "b:pass", "c:fail:known", "d:notrun:fail", "e:skip:left", "f:crash:fail")
    wanted = [f"t@{name}" for name in "abcdefg"]
    told = defects.caught("x", wanted, [], verdicts)
    assert told.catches == [
        "x t@a caught",
        "x t@b missed",
        "x t@c missed",
        "x t@f caught",
        "x t@g missed",
    ]
    assert told.left == ["t@d", "t@e"]
    assert defects.wrong(told) == [f"did not catch it: t@{name}" for name in "bcg"]


def test_missers_have_to_pass() -> None:
    verdicts = run("a:pass", "b:dmesg-warn:fail", "c:skip", "d:fail:known", "e:notrun:fail")
    names = [f"t@{name}" for name in "abcdef"]
    told = defects.caught("x", names, names, verdicts)
    assert told.misses == [
        "x t@a pass",
        "x t@b dmesg-warn",
        "x t@c skip",
        "x t@d known",
        "x t@f unknown",
    ]
    assert (told.catches, told.left) == ([], ["t@e"])
    assert defects.wrong(told) == [
        "did not pass with it: t@b (dmesg-warn)",
        "did not pass with it: t@c (skip)",
        "did not pass with it: t@d (known)",
        "did not pass with it: t@f (unknown)",
    ]


def test_only_one_group() -> None:
    assert defects.only("a", run("a-x:fail", "b-x:pass")) == (
        ["a-x", "1 of group a, 0 of others"],
        True,
    )
    assert defects.only("a", run("a-x:fail", "b-x:fail", "c:pass")) == (
        ["a-x", "b-x", "1 of group a, 1 of others"],
        False,
    )
    assert not defects.only("a", run("a-x:pass", "ab-x:fail"))[1]
    assert not defects.only("a", run("a-x:fail"))[1]


# -------------------------------------------------------------------------------------------------
# Random walks

FAILED = "process 0 failed at operation 100: VM 1: no word loaded"
MINIMISED = "minimised to 8 rows by 31 replays: VM 0: no word loaded"


@pytest.mark.parametrize(
    ("lines", "said", "good"),
    [
        (["seed 1", FAILED, MINIMISED], "100 operations, 8 rows", True),
        ([FAILED, "minimised to 9 rows by 31 replays"], "100 operations, 9 rows", False),
        (["process 2 failed at operation 101: VM 1", MINIMISED], "101 operations, 8 rows", False),
        (["process 0: 5000 operations"], "no operation failed", False),
        (
            [FAILED, "not minimised: the steps do not fail again in a new process"],
            "operation 100 failed, and could not be minimised",
            False,
        ),
    ],
)
def test_walk(lines: list[str], said: str, good: bool) -> None:
    assert defects.walk("\n".join(lines), 100, 8) == (said, good)


# -------------------------------------------------------------------------------------------------
# The matrix, and scenarios

CATCHES = [
    "one t@map-a caught",
    "one t@map-b missed",
    "two t@map-a caught",
    "two t@evict-a caught",
    "three t@evict-a missed",
]


def test_matrix() -> None:
    assert defects.Matrix(CATCHES).text(exclusive=False) == [
        "           map    evict",
        "one        1/2",
        "two        1/1      1/1",
        "three               0/1",
    ]


def test_exclusive_matrix() -> None:
    assert defects.Matrix(CATCHES).text(exclusive=True) == [
        "           map    evict",
        "one          1        .",
        "two          1        1",
        "three        .        .",
        "",
        "only map-*: one",
        "only evict-*: none",
    ]


def test_matrix_page() -> None:
    content = page.matrix(defects.Matrix(CATCHES))
    assert '<th class="good">two</th><td class="good">1/1</td><td class="good">1/1</td>' in content
    assert '<th class="bad">three</th><td class=""></td><td class="odd">0/1</td>' in content


SCENARIOS = [
    "scenario all",
    "subtest all t@map-a",
    "subtest all t@map-b",
    "own all regressions one",
    "own all patches 0001-x",
    "scenario more",
    "subtest more t@evict-a",
]


def test_scenarios() -> None:
    read = defects.Scenarios.parse(SCENARIOS)
    assert read.text() == (
        [
            "all: one, 0001-x",
            "    map-a map-b",
            "more: none",
            "    evict-a",
            "has no defect of its own: more",
        ],
        False,
    )
    read = defects.Scenarios.parse([*SCENARIOS, "own more regressions two"])
    assert read.text()[1]
    assert defects.Scenarios.parse([]).text() == (["there are no scenarios"], False)


def test_own_defects_are_caught_by_no_other_scenario() -> None:
    read = defects.Scenarios.parse(SCENARIOS)
    catches = ["one t@evict-a caught", "one t@map-a caught", "one t@evict-b missed"]
    assert read.outside("one", catches) == ["own defect of all, but caught by t@evict-a of more"]
    assert read.outside("two", ["two t@evict-a caught"]) == []


# -------------------------------------------------------------------------------------------------
# The commands


def status_of(*words: object) -> int:
    """The exit status of report WORD…."""
    arguments = main.options().parse_args([str(word) for word in words])
    try:
        arguments.run(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def test_caught_command(tmp_path: pathlib.Path) -> None:
    wanted, verdicts, catches = (tmp_path / name for name in ("wanted", "verdicts", "catches"))
    missers, misses = tmp_path / "missers", tmp_path / "misses"
    wanted.write_text("t@a\nt@b\nt@c\n", encoding="utf-8")
    missers.write_text("t@b\n", encoding="utf-8")
    main._write(verdicts, run("a:fail", "b:pass", "c:notrun:fail"))
    assert status_of("caught", "x", wanted, verdicts, 1, catches, missers, misses) == 0
    assert catches.read_text(encoding="utf-8") == "x t@a caught\n"
    assert misses.read_text(encoding="utf-8") == "x t@b pass\n"
    assert wanted.read_text(encoding="utf-8") == "t@c\n"
    main._write(verdicts, run("c:pass"))
    assert status_of("caught", "--whole", "x", wanted, verdicts, 1, catches, missers, misses) == 1
    assert catches.read_text(encoding="utf-8") == "x t@a caught\nx t@c missed\n"
    wanted.write_text("t@c\n", encoding="utf-8")
    assert status_of("caught", "x", wanted, verdicts, 0, catches) == 1
    assert status_of("caught", "x", wanted, tmp_path / "absent", 1, catches) == 1


def test_share_command(tmp_path: pathlib.Path) -> None:
    defects = tmp_path / "defects"
    defects.write_text("caught a\nmissed b\n", encoding="utf-8")
    assert status_of("share", defects, 50) == 0
    assert status_of("share", defects, 51) == 1
    defects.write_text("", encoding="utf-8")
    assert status_of("share", defects, 0) == 1


def test_reached_command(tmp_path: pathlib.Path) -> None:
    lines = tmp_path / "coverage.json"
    main._write(lines, [{"lines": 8, "unreached": [{}]}, {"lines": 2, "unreached": []}])
    assert status_of("reached", lines, 90) == 0
    assert status_of("reached", lines, 91) == 1
    main._write(lines, [])
    assert status_of("reached", lines, 0) == 1
    assert status_of("reached", tmp_path / "absent", 0) == 1


def test_killed_command(tmp_path: pathlib.Path) -> None:
    mutants = tmp_path / "mutants.json"
    main._write(mutants, {"score": 95})
    assert status_of("killed", mutants, 95) == 0
    assert status_of("killed", mutants, 96) == 1
    main._write(mutants, {"score": None})
    assert status_of("killed", mutants, 95) == 1
    assert status_of("killed", tmp_path / "absent", 95) == 1
