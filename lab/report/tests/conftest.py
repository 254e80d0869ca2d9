# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Made-up results of igt_runner."""

from __future__ import annotations

from typing import Any

import pytest

from report import verdicts
from report.expectations import Expectations, parse

SKIPPED = """Test requirement not met in function __igt_unique____real_main, file ../t.c:7:
Test requirement: !(fd<0)
no such feature
Subtest s: SKIP (0.01s)"""


class Results:
    """results.json of a test panthor/t, and what is expected of it."""

    def __init__(self) -> None:
        self.tests: dict[str, Any] = {}
        self.fails = self.flakes = self.skips = ""
        self.named: list[str] = []

    def add(self, subtest: str, result: str, out: str = "", err: str = "", **more: Any) -> None:
        """What igt_runner says about a subtest, or about a row SUBTEST@ROW."""
        time = {"start": 1.0, "end": 1.25}
        own = {"result": result, "time": time, "out": out, "err": err, **more}
        self.tests[f"igt@panthor/t@{subtest}"] = own

    def row(self, subtest: str, name: str, result: str, words: str = "") -> None:
        """A dynamic subtest. The out of the last one ends with the line of the subtest."""
        if result == "skip":
            out = (
                f"Starting dynamic subtest: {name}\n{words}\nDynamic subtest {name}: SKIP (0.00s)\n"
                f"No dynamic tests executed.\nSubtest {subtest}: SKIP (0.01s)"
            )
            self.add(f"{subtest}@{name}", result, out)
        else:
            err = f"[1.5] (t:7) CRITICAL: {words}" if words else ""
            self.add(f"{subtest}@{name}", result, "", err)

    @property
    def expected(self) -> Expectations:
        """The expectation files."""
        return Expectations(parse(self.fails), parse(self.flakes), parse(self.skips))

    def judge(self, *subtests: str) -> list[verdicts.Verdict]:
        """The verdicts on these subtests."""
        selected = [f"igt@panthor/t@{subtest}" for subtest in subtests]
        named = [f"igt@panthor/t@{subtest}" for subtest in self.named]
        return verdicts.judge(selected, named, self.tests, self.expected)


@pytest.fixture
def results() -> Results:
    """Nothing has run."""
    return Results()
