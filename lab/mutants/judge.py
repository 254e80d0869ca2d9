# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Verdicts on mutants: from what ./run left of one, and the order of the subtests for the next."""

import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Iterable

# How long a subtest may take on a mutant: some seconds more than a multiple of what it took on the
# driver without mutation. One with a heavy load beside it takes up to four times as long.
LIMIT_SECONDS, LIMIT_FACTOR = 8, 5

# Deadline of all subtests of one mutant: a multiple of their time without mutation, and some seconds.
SUITE_SECONDS, SUITE_FACTOR = 60, 5

# Verdicts. The last four are no part of the score.
KILLED, SURVIVED = "killed", "survived"
EQUIVALENT, SAME, DUPLICATE, UNBUILT = "equivalent", "same code", "duplicate", "does not build"


@dataclass(frozen=True)
class Verdict:
    """`by` is what noticed the mutant: a subtest, as TEST@SUBTEST, or kernel log, leaks, board,
    deadline, model. `how` is the result of that subtest, as igt_runner says it, or more words."""
    name: str
    verdict: str
    by: str = ""
    how: str = ""
    seconds: float = 0.0
    code: str = ""

    def described(self) -> dict[str, Any]:
        return asdict(self)


def short(subtest: str) -> str:
    return subtest.removeprefix("igt@").removeprefix("panthor/")


@dataclass(frozen=True)
class Run:
    """What a run left: the verdicts of its subtests in the order in which they ran, its exit
    status, reports of the kernel outside of subtests, leaks, why the board did not come up, and
    the subtest that took too long or had a kernel oops."""
    subtests: list[dict[str, Any]]
    status: int
    reports: str = ""
    leaks: str = ""
    error: str = ""
    timeout: str = ""
    oops: str = ""


def judge(name: str, run: Run) -> Verdict:
    """What noticed the mutant, if anything did. Expected failures and flakes have other classes than
    `fail` and `stale`."""
    for subtest in run.subtests:
        if subtest["class"] in ("fail", "stale") and subtest["result"] != "notrun":
            how = subtest["result"] if subtest["class"] == "fail" else "unexpected pass"
            if run.timeout == subtest["id"]:
                how = "deadline"
            elif run.oops == subtest["id"]:
                how = "kernel oops"
            return Verdict(name, KILLED, short(subtest["id"]), how)
    if run.error:
        return Verdict(name, KILLED, "board", run.error)
    if run.status == 6 or run.timeout:
        return Verdict(name, KILLED, "deadline", run.timeout)
    if run.status == 5:
        return Verdict(name, KILLED, "board", "the guest or the model died")
    if run.reports:
        return Verdict(name, KILLED, "kernel log", run.reports.splitlines()[0])
    if run.leaks:
        return Verdict(name, KILLED, "leaks", run.leaks.splitlines()[0])
    if run.status == 0:
        return Verdict(name, SURVIVED)
    if run.oops:
        return Verdict(name, KILLED, "kernel log", "oops")
    if run.status in (1, 3, 7):
        return Verdict(name, KILLED, "run", f"exit status {run.status}")
    raise ValueError(f"mutant {name}: ./run ended with status {run.status}")


# The firmware interface of the driver has deadlines of 100 ms, which a machine with much else to do
# may miss without any defect.
OVERLOAD = re.compile(r"CSG \d+ update request timedout|CS_\w+ timed ?out")


def overloaded(run: Run) -> bool:
    """Whether the first failure of a run may be that of the machine that the board runs on."""
    first = next((subtest for subtest in run.subtests
                  if subtest["class"] == "fail" and subtest["result"] != "notrun"), None)
    return bool(first and OVERLOAD.search("\n".join(first.get("reason", []))))


@dataclass(frozen=True)
class Subtest:
    """One that passes on the driver without mutation."""
    name: str
    seconds: float
    basic: bool


def usable(baseline: Iterable[dict[str, Any]], basic: set[str]) -> list[Subtest]:
    """The subtests that can notice a mutant. In a run without mutation the others failed, or were
    skipped."""
    return [Subtest(subtest["id"], subtest["seconds"], subtest["id"] in basic)
            for subtest in baseline if subtest["class"] == "pass"]


def ordered(subtests: list[Subtest], function: str,
            kills: Iterable[tuple[str, str]]) -> list[Subtest]:
    """The order for a mutant of a function. `kills` are the function and the killer of each mutant
    so far. What killed mutants of that function comes first, then what killed most, then the basic
    subtests, then the quick ones."""
    in_function: dict[str, int] = {}
    anywhere: dict[str, int] = {}
    for killed_function, killer in kills:
        anywhere[killer] = anywhere.get(killer, 0) + 1
        if killed_function == function:
            in_function[killer] = in_function.get(killer, 0) + 1
    return sorted(subtests, key=lambda subtest: (
        -in_function.get(short(subtest.name), 0), -anywhere.get(short(subtest.name), 0),
        not subtest.basic, subtest.seconds, subtest.name))


def suite_limit(baseline: Iterable[dict[str, Any]]) -> int:
    """Seconds after which the subtests of a mutant are taken to hang."""
    return math.ceil(SUITE_SECONDS + SUITE_FACTOR * sum(own["seconds"] for own in baseline))


def limit(subtest: Subtest) -> int:
    """Seconds after which a subtest is taken to hang."""
    return int(LIMIT_SECONDS + LIMIT_FACTOR * subtest.seconds)
