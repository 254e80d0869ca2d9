# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The table of verdicts and its last line."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from report.verdicts import Kind, Verdict

# What the last line counts, in this order, with the words for it; zeros are left out but for the
# first three.
COUNTED = (
    (Kind.PASS, "passed"),
    (Kind.FAIL, "failed"),
    (Kind.SKIP, "skipped"),
    (Kind.CRASH, "crashed"),
    (Kind.TIMEOUT, "timed out"),
    (Kind.MISSING, "missing"),
    (Kind.UNEXPECTED_PASS, "passed unexpectedly"),
    (Kind.EXPECTED_FAIL, "failed as expected"),
    (Kind.FLAKE, "failed as known flakes"),
    (Kind.LEFT_OUT, "left out, as expectations say"),
    (Kind.NOT_RUN, "not run after the first unexpected result"),
)
ALWAYS_COUNTED = 3

VERDICT_WIDTH = 18


def summary(verdicts: Iterable[Verdict]) -> str:
    """How many verdicts of each kind there are. Failures are those that nobody expects."""
    kinds = [verdict.kind for verdict in verdicts]
    counts = [(kinds.count(kind), words) for kind, words in COUNTED]
    shown = counts[:ALWAYS_COUNTED] + [pair for pair in counts[ALWAYS_COUNTED:] if pair[0]]
    return ", ".join(f"{count} {words}" for count, words in shown)


def name_of(verdict: Verdict, single: bool) -> str:
    """The subtest alone where SINGLE says that there is one test only."""
    if not verdict.subtest:
        return verdict.test
    return verdict.subtest if single else f"{verdict.test}@{verdict.subtest}"


def is_single(verdicts: Iterable[Verdict]) -> bool:
    """Whether all verdicts are on one test."""
    return len({verdict.test for verdict in verdicts}) == 1


def shown(verdict: Verdict) -> str:
    """The kind, and igt_runner's word where that tells more."""
    tells = verdict.result not in ("pass", "fail", "skip", "crash", "timeout", "notrun")
    return f"{verdict.kind.value} ({verdict.result})" if tells else verdict.kind.value


def line(verdict: Verdict, single: bool, width: int) -> str:
    """The line of a verdict, without its reason."""
    return f"{name_of(verdict, single):<{width}}{shown(verdict):<{VERDICT_WIDTH}} {verdict.seconds:.2f} s"


def table(
    verdicts: list[Verdict],
    *,
    quiet: bool,
    skip: Callable[[Verdict], bool] = lambda verdict: False,
) -> list[str]:
    """The lines of the table. QUIET leaves out what is expected, SKIP what was shown before; what
    --fail-fast left out is only counted."""
    rows = [verdict for verdict in verdicts if verdict.kind is not Kind.NOT_RUN]
    if not rows:
        return []
    single = is_single(rows)
    width = max(len(name_of(verdict, single)) for verdict in rows) + 2
    lines: list[str] = []
    for verdict in rows:
        if (not quiet or verdict.unexpected) and not skip(verdict):
            lines.append(line(verdict, single, width))
            lines += [f"    {text}" for text in verdict.reason]
    return lines
