# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""KUnit's results as igt_runner's results.json has its own.

The KTAP is that of /sys/kernel/debug/kunit/SUITE/results. A suite's lines are indented by four
blanks. What is deeper belongs to the parameters of a case, and tells the reason of a failure, as do
the remarks in front of a case's own line.
"""

from __future__ import annotations

import re
from typing import Any

RESULT = re.compile(r"    (?P<no>not )?ok [0-9]+ (?P<name>\S+)(?: # (?P<word>\S+) ?(?P<rest>.*))?")

# Remarks that are no reason: the grammar of KTAP, counts, and parameters that passed.
NOISE = re.compile(
    r"\s*(KTAP version|1\.\.[0-9]|ok |# (Subtest|module|Totals):|# [^ ]+: pass:[0-9]+ |$)"
)


def _case(match: re.Match[str], reasons: list[str]) -> dict[str, str]:
    if match["no"]:
        return {"result": "fail", "out": "", "err": "\n".join(reasons)}
    if match["word"] == "SKIP":
        return {"result": "skip", "out": match["rest"], "err": ""}
    return {"result": "pass", "out": "", "err": ""}


def tests(text: str) -> dict[str, Any]:
    """The tests of one suite, igt@kunit/SUITE@CASE each, in the order of the cases. A suite that ended
    early, or failed by itself, has a case of its own."""
    suite, planned, failed = "unknown", 0, False
    reasons: list[str] = []
    cases: dict[str, Any] = {}
    for line in text.splitlines():
        if name := re.match(r"    # Subtest: (.*)", line):
            suite = name[1]
        elif plan := re.fullmatch(r"    1\.\.([0-9]+)", line):
            planned = int(plan[1])
        elif line.startswith("not ok "):
            failed = True
        elif match := RESULT.fullmatch(line):
            cases[f"igt@kunit/{suite}@{match['name']}"] = _case(match, reasons)
            reasons = []
        elif not NOISE.match(line):
            reasons.append(line.lstrip())
    why = ""
    if len(cases) < planned:
        why = f"{len(cases)} of {planned} cases have a result"
    elif failed and all(case["result"] != "fail" for case in cases.values()):
        why = "the suite itself failed"
    if why:
        err = "\n".join([*reasons, why])
        cases[f"igt@kunit/{suite}@suite"] = {"result": "fail", "out": "", "err": err}
    return cases
