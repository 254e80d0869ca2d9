# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Verdicts while the suite runs.

igt_runner keeps the results of its n-th job in the folder n, from 0. It makes the folder of the next job,
or endtime.txt, when a job has ended. A job is a subtest, or with --multiple-mode a binary. igt_results
makes results.json of the jobs that have ended.

What is shown here is not shown again at the end, unless the whole run makes another verdict of it.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from report import repeat, text, verdicts
from report.expectations import Expectations
from report.rules import Referee
from report.verdicts import Verdict

# Seconds between two looks at the folders, and the deadline of igt_results.
INTERVAL = 0.3
COLLECT_SECONDS = 30


class Live:
    """What has been shown of a run with igt_runner's folder IGT."""

    def __init__(
        self,
        igt: pathlib.Path,
        work: pathlib.Path,
        planned: list[str],
        expected: Expectations,
        about: Mapping[str, Any],
        *,
        quiet: bool,
        rules: str = "off",
    ) -> None:
        self.igt, self.work, self.about, self.quiet = igt, work, about, quiet
        self.planned, self.expected = planned, expected
        self.referee = Referee(igt.parent, expected, rules)
        self.shown: dict[str, list[Any]] = {}
        self.unexpected = 0
        self.judged = 0
        self.terminal = sys.stdout.isatty() and sys.stderr.isatty() and not quiet
        self.began = time.monotonic()
        named = [Verdict(name, "pass", verdicts.Kind.PASS) for name in planned]
        self.single = text.is_single(named)
        self.width = max((len(text.name_of(name, self.single)) for name in named), default=0) + 2

    def ended(self) -> int:
        """How many jobs have ended."""
        count = self.judged
        while (self.igt / str(count + 1)).exists():
            count += 1
        if (self.igt / "endtime.txt").exists() and (self.igt / str(count)).exists():
            count += 1
        return count

    def collect(self, first: int, end: int) -> dict[str, Any]:
        """The results of the jobs from FIRST to END, by igt_results."""
        folder = self.work / "jobs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        jobs = (self.igt / "joblist.txt").read_text(encoding="utf-8").splitlines()
        (folder / "joblist.txt").write_text("\n".join(jobs[first:end]) + "\n", encoding="utf-8")
        for name in ("metadata.txt", "uname.txt"):
            if (self.igt / name).exists():
                shutil.copy(self.igt / name, folder / name)
        for job in range(first, end):
            (folder / str(job - first)).symlink_to(self.igt / str(job))
        subprocess.run(
            ["igt_results", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COLLECT_SECONDS,
            check=True,
        )
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        tests: dict[str, Any] = results.get("tests") or {}
        return tests

    def poll(self) -> None:
        """Shows the verdicts on the jobs that have ended since."""
        end = self.ended()
        if end > self.judged:
            try:
                tests = self.collect(self.judged, end)
            except (OSError, ValueError, subprocess.SubprocessError):
                tests = {}  # the table at the end has them
            self.judged = end
            self.show(tests)
        self.progress()

    def show(self, tests: Mapping[str, Any]) -> None:
        """Prints the verdicts on what has a result."""
        names = [name for name in self.planned if name.lower() in tests and name not in self.shown]
        judged = verdicts.judge(names, names, tests, self.expected)
        self.referee.load()
        self.referee.apply(judged)
        for verdict in judged:
            if verdict.result in ("notrun", "incomplete"):
                continue
            self.shown[verdict.id] = as_shown(verdict)
            self.unexpected += verdict.unexpected
            if verdict.unexpected or not self.quiet:
                self.clear()
                print(*self.lines(verdict), sep="\n", flush=True)

    def lines(self, verdict: Verdict) -> list[str]:
        """A verdict, its number and the time since the boot; of what nobody expects the command that
        repeats it."""
        digits = len(str(len(self.planned)))
        number = f"{len(self.shown):>{digits}}/{len(self.planned)} {self.seconds():>5} s  "
        lines = [number + text.line(verdict, self.single, self.width)]
        lines += [f"    {line}" for line in verdict.reason]
        if verdict.unexpected:
            lines.append(f"    repeat it: {repeat.command(self.about, verdict)}")
        return lines

    def seconds(self) -> int:
        """Since the boot."""
        return int(time.monotonic() - self.began)

    def progress(self) -> None:
        """On a terminal, the line below the verdicts."""
        if self.terminal:
            bad = f", {self.unexpected} unexpected" if self.unexpected else ""
            line = f"{len(self.shown)} of {len(self.planned)}, {self.seconds()} s{bad}{self.running()}"
            columns = shutil.get_terminal_size().columns
            print(f"\r{line[: columns - 1]}\033[K", end="", file=sys.stderr, flush=True)

    def running(self) -> str:
        """The subtest, or the binary, that runs."""
        if not (self.igt / str(self.judged)).exists():
            return ""
        try:
            jobs = (self.igt / "joblist.txt").read_text(encoding="utf-8").splitlines()
            test, _, subtests = jobs[self.judged].partition(" ")
        except (OSError, IndexError):
            return ""
        name = test if not subtests or "," in subtests or self.single else f"{test}@{subtests}"
        return f": {subtests if self.single and subtests and ',' not in subtests else name}"

    def clear(self) -> None:
        """Removes that line."""
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def as_shown(verdict: Verdict) -> list[Any]:
    """What makes a verdict another one."""
    return [verdict.kind.value, verdict.result, verdict.reason]


def watch(live: Live, stop: pathlib.Path) -> None:
    """Shows verdicts until the file STOP is there."""
    while not stop.exists():
        live.poll()
        time.sleep(INTERVAL)
    live.poll()
    live.clear()
