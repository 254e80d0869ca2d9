# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""What people read of a run of mutants."""

from collections import Counter
from typing import Any

from .judge import DUPLICATE, EQUIVALENT, KILLED, SAME, SURVIVED, UNBUILT


def line(number: int, total: int, mutant: dict[str, Any], verdict: dict[str, Any]) -> str:
    """One line for one verdict."""
    by = f" by {verdict['by']}" if verdict["by"] else ""
    how = f" ({verdict['how']})" if verdict["how"] not in ("", "fail") else ""
    return f"{number:4d}/{total} {verdict['verdict'] + by + how:60s} " \
        f"{mutant['function']}:{mutant['line']}, {mutant['operator']} {verdict['seconds']:6.1f} s"


def score(counts: Counter[str]) -> float:
    """Percent of the mutants that build and change something that are killed."""
    judged = counts[KILLED] + counts[SURVIVED]
    return 100.0 * counts[KILLED] / judged if judged else 100.0


def summary(counts: Counter[str], timed_out: int, left: int) -> str:
    words = [f"{counts[KILLED]} killed" + (f" ({timed_out} by a deadline)" if timed_out else ""),
             f"{counts[SURVIVED]} survived"]
    for verdict, text in ((EQUIVALENT, "equivalent, as listed"), (SAME, "compile to the same code"),
                          (DUPLICATE, "repeat an earlier one"), (UNBUILT, "do not build")):
        if counts[verdict]:
            words.append(f"{counts[verdict]} {text}")
    if left:
        words.append(f"{left} not judged yet")
    return ", ".join(words) + f"; {score(counts):.1f} % killed of those that count"


def killers(mutants: dict[str, dict[str, Any]], verdicts: list[dict[str, Any]]) -> list[str]:
    """Who killed how many."""
    by = Counter(verdict["by"] for verdict in verdicts if verdict["verdict"] == KILLED)
    return [f"  {count:4d}  {name}" for name, count in by.most_common()]


def survivor(mutant: dict[str, Any]) -> list[str]:
    """The change, as a diff."""
    return [f"survived: mutant {mutant['name']}, {mutant['function']}, {mutant['operator']}"] + \
        ["    " + text for text in mutant["patch"].splitlines()[2:]]
