# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""What changed from one result, or tree of results, to another: fixed, broken, new, gone, slower."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from html import escape

from report.verdicts import FAILURES, Kind, Verdict

# A subtest is slower if it takes this many times as long, and longer than this by itself: short times
# are noise.
SLOWER = 2.0
SLOWER_SECONDS = 1.0

# A failure is one whether somebody expects it or not.
FAILED = (*FAILURES, Kind.EXPECTED_FAIL, Kind.FLAKE)
PASSED = (Kind.PASS, Kind.UNEXPECTED_PASS)


@dataclasses.dataclass(frozen=True)
class Change:
    """One subtest that is not what it was; OLD or NEW is absent if it is new or gone."""

    name: str
    old: Verdict | None
    new: Verdict | None

    def words(self) -> str:
        """Both verdicts."""
        sides = [side.kind.value if side else "absent" for side in (self.old, self.new)]
        times = [f"{side.seconds:.2f} s" for side in (self.old, self.new) if side]
        return f"{sides[0]} → {sides[1]} ({' → '.join(times)})"


@dataclasses.dataclass
class Comparison:
    """The changes, by kind, and how many subtests have none."""

    broken: list[Change] = dataclasses.field(default_factory=list)
    fixed: list[Change] = dataclasses.field(default_factory=list)
    new: list[Change] = dataclasses.field(default_factory=list)
    gone: list[Change] = dataclasses.field(default_factory=list)
    other: list[Change] = dataclasses.field(default_factory=list)
    slower: list[Change] = dataclasses.field(default_factory=list)
    unchanged: int = 0

    def sections(self) -> list[tuple[str, list[Change]]]:
        """What there is to show, the worst first."""
        return [
            ("broken", self.broken),
            ("fixed", self.fixed),
            ("new", self.new),
            ("gone", self.gone),
            ("changed otherwise", self.other),
            (f"more than {SLOWER:.0f} times as slow", self.slower),
        ]


def _slower(old: Verdict, new: Verdict) -> bool:
    return new.seconds > SLOWER_SECONDS and new.seconds > SLOWER * old.seconds


def folders(tree: pathlib.Path) -> list[pathlib.Path]:
    """The results folders of a tree, which may be one itself, relative to it."""
    if (tree / "verdicts.json").is_file():
        return [pathlib.Path()]
    below = [path for path in sorted(tree.iterdir()) if path.is_dir()] if tree.is_dir() else []
    return [path.relative_to(tree) / inner for path in below for inner in folders(path)]


def named(results: Mapping[pathlib.Path, Iterable[Verdict]]) -> dict[str, Verdict]:
    """The verdicts of a tree, by folder and subtest."""
    return {
        ("" if folder == pathlib.Path() else f"{folder}: ") + verdict.id.removeprefix("igt@"): verdict
        for folder, verdicts in results.items()
        for verdict in verdicts
    }


def compare(before: Mapping[str, Verdict], after: Mapping[str, Verdict]) -> Comparison:
    """Compares subtest by subtest."""
    result = Comparison()
    for name in sorted({*before, *after}):
        _sort_in(result, Change(name, before.get(name), after.get(name)))
    return result


def _sort_in(result: Comparison, change: Change) -> None:
    old, new = change.old, change.new
    if old is None:
        result.new.append(change)
    elif new is None:
        result.gone.append(change)
    elif old.kind not in FAILED and new.kind in FAILED:
        result.broken.append(change)
    elif old.kind in FAILED and new.kind in PASSED:
        result.fixed.append(change)
    elif old.kind is not new.kind:
        result.other.append(change)
    elif _slower(old, new):
        result.slower.append(change)
    else:
        result.unchanged += 1


def text(comparison: Comparison) -> list[str]:
    """The comparison in lines."""
    lines: list[str] = []
    for title, changes in comparison.sections():
        if changes:
            lines.append(f"{title}: {len(changes)}")
            lines += [f"    {change.name}: {change.words()}" for change in changes]
    counts = [f"{len(changes)} {title}" for title, changes in comparison.sections()]
    lines.append(", ".join([*counts, f"{comparison.unchanged} unchanged"]))
    return lines


def html(comparison: Comparison) -> str:
    """The comparison as a page."""
    parts = []
    for title, changes in comparison.sections():
        if changes:
            rows = "".join(
                f"<tr><td>{escape(change.name)}</td><td>{escape(change.words())}</td></tr>"
                for change in changes
            )
            heading = f"<h2>{escape(title)}: {len(changes)}</h2>"
            parts.append(f"{heading}<table class='changes'>{rows}</table>")
    css = (pathlib.Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Two results</title><style>\n{css}</style></head><body>"
        f"<h1>Two results</h1><p>{escape(text(comparison)[-1])}</p>{''.join(parts)}</body></html>\n"
    )
