# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Verdicts from igt_runner's results.json.

A subtest's verdict is its `result`, in igt_runner's word, its `kind`, which says what that means where
expectations hold, and the reason. Kinds have the words of the kernel's drm-ci.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping
from typing import Any

from report.expectations import Entry, Expectations, exactly, matching


class Kind(enum.Enum):
    """What a verdict means."""

    PASS = "Pass"
    FAIL = "Fail"
    # The subtest died, or the board did in the middle of it.
    CRASH = "Crash"
    TIMEOUT = "Timeout"
    # igt_runner has no result: the board died before.
    MISSING = "Missing"
    SKIP = "Skip"
    EXPECTED_FAIL = "ExpectedFail"
    UNEXPECTED_PASS = "UnexpectedPass"
    FLAKE = "Flake"
    # The skips file says not to start it.
    LEFT_OUT = "LeftOut"
    # --fail-fast ended the run before.
    NOT_RUN = "NotRun"


# What scripts tell apart, as the `class` of verdicts.json; failures that nobody expects are the rest.
CLASSES = {
    Kind.PASS: "pass",
    Kind.SKIP: "skip",
    Kind.EXPECTED_FAIL: "known",
    Kind.UNEXPECTED_PASS: "stale",
    Kind.FLAKE: "flake",
    Kind.LEFT_OUT: "left",
    Kind.NOT_RUN: "unrun",
}

FAILURES = (Kind.FAIL, Kind.CRASH, Kind.TIMEOUT, Kind.MISSING)
UNEXPECTED = (*FAILURES, Kind.UNEXPECTED_PASS)

# The most rows whose own words are quoted, and the most lines of a reason.
ROWS_QUOTED = 6
KERNEL_LINES = 4
ASSERTION_LINES = 6
ERROR_LINES = 5
SKIP_LINES = 4


@dataclasses.dataclass
class Row:
    """A dynamic subtest."""

    name: str
    result: str
    reason: list[str]

    @property
    def unexplained(self) -> bool:
        """A skip that does not say why."""
        return self.result == "skip" and not self.reason

    @property
    def failed(self) -> bool:
        """Neither pass nor skip."""
        return self.result not in ("pass", "skip")


@dataclasses.dataclass
class Verdict:
    """What became of a subtest, or of a test without subtests."""

    id: str
    result: str
    kind: Kind
    seconds: float = 0.0
    reason: list[str] = dataclasses.field(default_factory=list)
    rows: list[Row] = dataclasses.field(default_factory=list)

    @property
    def test(self) -> str:
        """The test, as a path below a test root."""
        return self.id.split("@")[1]

    @property
    def subtest(self) -> str:
        """The subtest; empty for a test without."""
        return (self.id.split("@") + [""])[2]

    @property
    def unexpected(self) -> bool:
        """A failure or a pass that no expectation explains."""
        return self.kind in UNEXPECTED

    def to_json(self) -> dict[str, Any]:
        """As verdicts.json has it."""
        return {
            "id": self.id,
            "test": self.test,
            "subtest": self.subtest,
            "result": self.result,
            "kind": self.kind.value,
            "class": CLASSES.get(self.kind, "fail"),
            "seconds": self.seconds,
            "reason": self.reason,
            "rows": [{"name": row.name, "result": row.result} for row in self.rows],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Verdict:
        """The reverse of to_json(). The reasons of rows are part of the subtest's."""
        return Verdict(
            data["id"],
            data["result"],
            Kind(data["kind"]),
            data["seconds"],
            list(data["reason"]),
            [Row(row["name"], row["result"], []) for row in data["rows"]],
        )


# -------------------------------------------------------------------------------------------------
# Reasons: what IGT and the kernel said, quoted


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").split("\n") if line.strip()]


def _message(line: str) -> str:
    """A message of IGT without its time, its process and the folders of its source file."""
    line = re.sub(r"^\[[0-9.]+\] ", "", line)
    line = re.sub(r"^\([^)]*\) ", "", line)
    line = re.sub(r"^\S*CRITICAL: ", "", line)
    return re.sub(r"\S*/((?:lib|tests)/)", r"\1", line)


def _kernel_reason(text: str | None) -> list[str]:
    """The records of the kernel log that tell most, without the lines that go with them."""
    records = [line for line in _lines(text) if re.match(r"<[0-9]> ", line)]
    reports = [line for line in records if re.search(r"WARNING|BUG|Oops|UBSAN|INFO:|ERROR", line)]
    return (reports or records)[:KERNEL_LINES]


def _fail_reason(own: Mapping[str, Any]) -> list[str]:
    """IGT prints a CRITICAL line for each fact of a failed assertion, and all of them once more."""
    err = _lines(own.get("err"))
    critical = [_message(line) for line in err if "CRITICAL" in line]
    words = list(dict.fromkeys(critical))[:ASSERTION_LINES] if critical else err[-ERROR_LINES:]
    return words + _kernel_reason(own.get("dmesg-warnings"))


def _skip_reason(own: Mapping[str, Any]) -> list[str]:
    """A skip says why in front of its own verdict line. Behind the last row of a subtest comes the
    verdict line of the subtest."""
    out = re.sub(r"\nDynamic subtest [^\n]*: SKIP .*", "", own.get("out") or "", flags=re.S)
    lines = _lines(out)
    at = next((i for i, line in enumerate(lines) if "Test requirement not met" in line), -1)
    noise = re.compile(r"IGT-Version|Opened|Using IGT_SRANDOM|Starting |Subtest |Dynamic ")
    return [line for line in lines[at + 1 :] if not noise.match(line)][:SKIP_LINES]


def _row(name: str, own: Mapping[str, Any]) -> Row:
    result = own["result"]
    if result == "pass":
        return Row(name, result, [])
    return Row(name, result, _skip_reason(own) if result == "skip" else _fail_reason(own))


def _row_reasons(rows: Iterable[Row]) -> list[str]:
    """What is said of the rows that did not pass, failures first."""
    bad = sorted((row for row in rows if row.result != "pass"), key=lambda row: not row.failed)
    reasons: list[str] = []
    for row in bad[:ROWS_QUOTED]:
        reasons.append(f"row {row.name}: {row.result}")
        words = ["skipped without saying why"] if row.unexplained else row.reason
        reasons += [f"  {line}" for line in words]
    more = bad[ROWS_QUOTED:]
    if more:
        reasons.append(f"{len(more)} more: " + ", ".join(f"{row.name} {row.result}" for row in more))
    return reasons


def _rows_by_subtest(tests: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The rows of each subtest, in the order in which they ran: results.json has them as
    igt@TEST@SUBTEST@ROW beside their subtests."""
    rows: dict[str, list[Row]] = {}
    for key, own in tests.items():
        parts = key.split("@", 3)
        if len(parts) == 4:
            rows.setdefault("@".join(parts[:3]), []).append(_row(parts[3], own))
    return rows


# -------------------------------------------------------------------------------------------------
# Verdicts


def _failure(result: str) -> Kind:
    kinds = {
        "crash": Kind.CRASH,
        "incomplete": Kind.CRASH,
        "timeout": Kind.TIMEOUT,
        "notrun": Kind.MISSING,
    }
    return kinds.get(result, Kind.FAIL)


def _measured(name: str, own: Mapping[str, Any], rows: list[Row]) -> Verdict:
    """The verdict without expectations. The subtest decides; a row that is wrong in a subtest that
    passed is a failure, too. Where rows say why a subtest did not pass, its own words only repeat
    them."""
    result = own["result"]
    time = own.get("time") or {}
    reason = _row_reasons(rows)
    explained = any(row.failed for row in rows) or (result == "skip" and bool(reason))
    if result != "pass" and not explained:
        reason += _row("", own).reason
    if any(row.unexplained for row in rows) or (
        result == "pass" and any(row.failed for row in rows)
    ):
        kind = Kind.FAIL
    elif result == "pass":
        kind = Kind.PASS
    elif result == "skip" and reason:
        kind = Kind.SKIP
    elif result == "skip":
        kind, reason = Kind.FAIL, ["skipped without saying why"]
    else:
        kind = _failure(result)
    seconds = time.get("end", 0.0) - time.get("start", 0.0)
    return Verdict(name, result, kind, seconds, reason, rows)


def _expect(verdict: Verdict, expected: Expectations) -> None:
    """Applies the fails and flakes files."""
    name = verdict.id.removeprefix("igt@")
    known: Entry | None = exactly(name, expected.fails)
    flake: Entry | None = matching(name, expected.flakes)
    if verdict.kind in FAILURES and known:
        verdict.kind = Kind.EXPECTED_FAIL
        verdict.reason.append(f"expected: {known.reason}")
    elif verdict.kind in FAILURES and flake:
        verdict.kind = Kind.FLAKE
        verdict.reason.append(f"flake: {flake.reason}")
    elif verdict.kind is Kind.PASS and known and not flake:
        verdict.kind = Kind.UNEXPECTED_PASS
        verdict.reason = [f"expected to fail: {known.reason}"]


def left_out(name: str, named: Iterable[str], expected: Expectations) -> Entry | None:
    """The entry of the skips file that leaves a subtest out. One that is asked for by its whole name
    runs."""
    return None if name in named else matching(name.removeprefix("igt@"), expected.skips)


def planned(selected: Iterable[str], named: Iterable[str], expected: Expectations) -> list[str]:
    """The subtests to start."""
    names = set(named)
    return [name for name in selected if left_out(name, names, expected) is None]


def judge(
    selected: Iterable[str],
    named: Iterable[str],
    tests: Mapping[str, Any],
    expected: Expectations,
) -> list[Verdict]:
    """The verdicts on all selected subtests. TESTS is that of results.json, whose names are in lower
    case."""
    rows = _rows_by_subtest(tests)
    names = set(named)
    verdicts = []
    for name in selected:
        entry = left_out(name, names, expected)
        if entry:
            reason = [f"not run: {entry.reason}"]
            verdicts.append(Verdict(name, "skip", Kind.LEFT_OUT, reason=reason))
            continue
        own = tests.get(name.lower(), {"result": "notrun", "err": "did not run"})
        verdict = _measured(name, own, rows.get(name.lower(), []))
        _expect(verdict, expected)
        verdicts.append(verdict)
    return verdicts


def ended_early(verdicts: Iterable[Verdict], culprits: Iterable[str]) -> None:
    """Marks what did not run, or not to its end, since --fail-fast ended the run for CULPRITS."""
    names = {name.lower() for name in culprits}
    for verdict in verdicts:
        cut = verdict.result in ("notrun", "incomplete")
        if cut and verdict.kind in FAILURES and verdict.id.lower() not in names:
            verdict.kind = Kind.NOT_RUN
            verdict.reason = ["not run: --fail-fast ended the run"]


def statuses(verdicts: list[Verdict]) -> list[int]:
    """The exit statuses of ./run that the verdicts ask for."""
    kinds = {verdict.kind for verdict in verdicts}
    asked = []
    if kinds.intersection(FAILURES):
        asked.append(1)
    if any(verdict.result == "timeout" for verdict in verdicts):
        asked.append(6)
    if Kind.UNEXPECTED_PASS in kinds:
        asked.append(7)
    if not kinds.intersection((Kind.PASS, Kind.UNEXPECTED_PASS)):
        asked.append(3)
    return asked
