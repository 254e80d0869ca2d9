# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The findings of vmali's referee: which subtest ran when the driver broke a rule.

vmali writes a line to rules.jsonl for each finding, with the time of the host's clock. igt_runner's folder
of a job was made on the host's file system when the job began. A job is a subtest; with --multiple-mode
it is a binary, whose subtests the kernel log has, with the guest's clock.
"""

from __future__ import annotations

import bisect
import dataclasses
import json
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from report.expectations import Entry, Expectations
from report.verdicts import Kind, Verdict

# Findings of a rule that are shown of a subtest, and lines of what led to the first.
FINDINGS_SHOWN = 2
LED_TO_SHOWN = 4

STARTS = re.compile(r"^\d+,\d+,(\d+),[^;]*;\[IGT\] \S+: (executing|starting subtest (\S+))$")


@dataclasses.dataclass(frozen=True)
class Finding:
    """A rule that was broken. LOST of its findings were only counted, if it is not 0."""

    rule: str
    by: str
    time: float
    address_space: int | None
    words: str
    seen: str
    led_to: tuple[str, ...]
    lost: int = 0

    @staticmethod
    def from_json(own: Any) -> Finding:
        """A line of rules.jsonl."""
        return Finding(
            str(own["rule"]),
            str(own.get("by", "driver")),
            float(own.get("time", 0)),
            own.get("as"),
            str(own.get("words", "")),
            str(own.get("seen", "")),
            tuple(map(str, own.get("led_to", []))),
            int(own.get("lost", 0)),
        )

    def lines(self) -> list[str]:
        """What was seen, and what led to it."""
        where = "" if self.address_space is None else f"AS{self.address_space}: "
        return [f"  {where}{self.seen}", *(f"    {line}" for line in self.led_to[-LED_TO_SHOWN:])]


def read(path: pathlib.Path) -> list[Finding]:
    """The findings of the driver. The last line may be cut; an absent file has none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    findings = []
    for line in lines:
        try:
            findings.append(Finding.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return [finding for finding in findings if finding.by == "driver"]


# -------------------------------------------------------------------------------------------------
# What ran at a time


def _began(folder: pathlib.Path) -> float:
    """When a job's folder was made: before anything in it was changed."""
    times = [folder.stat().st_mtime]
    times += [entry.stat(follow_symlinks=False).st_mtime for entry in folder.iterdir()]
    return min(times)


def _subtests(job: pathlib.Path, began: float) -> list[tuple[float, str]]:
    """The subtests of a binary and when each began, with the clock of the host."""
    try:
        log = (job / "dmesg.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    origin: int | None = None
    subtests = []
    for line in log.splitlines():
        match = STARTS.match(line)
        if match:
            microseconds = int(match[1])
            origin = microseconds if origin is None else origin
            if match[3]:
                subtests.append((began + (microseconds - origin) / 1e6, match[3]))
    return subtests


class Timeline:
    """Which subtest ran when, out of igt_runner's folder."""

    def __init__(self, igt: pathlib.Path) -> None:
        self.begins: list[tuple[float, str]] = []
        self.end = float("inf")
        try:
            jobs = (igt / "joblist.txt").read_text(encoding="utf-8").splitlines()
            for number, job in enumerate(jobs):
                if not (igt / str(number)).is_dir():
                    break
                self._add(igt / str(number), job)
            if (igt / "endtime.txt").exists():
                self.end = (igt / "endtime.txt").stat().st_mtime
        except OSError:
            pass

    def _add(self, folder: pathlib.Path, job: str) -> None:
        test, _, names = job.partition(" ")
        began = _began(folder)
        if names and "," not in names:
            self.begins.append((began, f"igt@{test}@{names}"))
            return
        self.begins.append((began, f"igt@{test}"))
        self.begins += [(at, f"igt@{test}@{name}") for at, name in _subtests(folder, began)]

    def at(self, time: float) -> str | None:
        """What ran; None before the first job and after the last."""
        place = bisect.bisect_right(self.begins, (time, "\U0010ffff"))
        if not place or time > self.end:
            return None
        return self.begins[place - 1][1]


# -------------------------------------------------------------------------------------------------
# What the findings mean


def expected(rule: str, name: str, expectations: Expectations) -> Entry | None:
    """The entry of the fails file `rules@RULE@TEST@SUBTEST`, a regular expression, that expects the
    finding. NAME is empty outside of any subtest."""
    whole = f"rules@{rule}@{name.removeprefix('igt@')}"
    return next(
        (
            entry
            for entry in expectations.fails
            if entry.name.startswith("rules@") and re.fullmatch(entry.name, whole, re.IGNORECASE)
        ),
        None,
    )


def describe(findings: Iterable[Finding], expectations: Expectations, name: str) -> tuple[list[str], bool]:
    """The lines on the findings of one subtest, and whether one is unexpected."""
    rules: dict[str, list[Finding]] = {}
    for finding in findings:
        rules.setdefault(finding.rule, []).append(finding)
    lines: list[str] = []
    unexpected = False
    for rule, own in rules.items():
        count = sum(finding.lost or 1 for finding in own)
        times = f" ({count} times)" if count > 1 else ""
        entry = expected(rule, name, expectations)
        if entry:
            lines.append(f"broke rule {rule}{times}, expected: {entry.reason}")
            continue
        unexpected = True
        lines.append(f"broke rule {rule}{times}: {own[0].words}")
        for finding in own[:FINDINGS_SHOWN]:
            lines += finding.lines()
    return lines, unexpected


class Referee:
    """The findings of a run, by subtest. MODE is that of --rules: fail or warn, or off."""

    def __init__(self, folder: pathlib.Path, expectations: Expectations, mode: str) -> None:
        self.folder, self.expectations, self.mode = folder, expectations, mode
        self.by_name: dict[str, list[Finding]] = {}
        self.outside: list[Finding] = []
        self.load()

    def load(self) -> None:
        """Reads what there is by now."""
        self.by_name, self.outside = {}, []
        findings = read(self.folder / "rules.jsonl") if self.mode != "off" else []
        timeline = Timeline(self.folder / "igt") if findings else None
        for finding in findings:
            name = timeline.at(finding.time) if timeline and not finding.lost else None
            if name is None:
                self.outside.append(finding)
            else:
                self.by_name.setdefault(name.lower(), []).append(finding)

    def apply(self, verdicts: Iterable[Verdict]) -> None:
        """Fails the verdicts on subtests in which the driver broke a rule. What ran as a part of no
        subtest that was judged is outside."""
        known = set()
        for verdict in verdicts:
            name = verdict.id.lower()
            known.add(name)
            lines, unexpected = describe(self.by_name.get(name, []), self.expectations, name)
            verdict.reason = [*verdict.reason, *lines]
            if unexpected and self.mode == "fail" and not verdict.unexpected:
                verdict.kind = Kind.FAIL
        for name in [name for name in self.by_name if name not in known]:
            self.outside += self.by_name.pop(name)

    def rest(self) -> tuple[list[str], bool]:
        """The lines on the findings outside of any subtest, and whether they fail the run."""
        lines, unexpected = describe(self.outside, self.expectations, "")
        return lines, unexpected and self.mode == "fail"
