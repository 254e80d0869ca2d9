# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Who catches which defect: the judgements of ./check on runs of ./run, and its matrix.

A catch is a line `DEFECT TEST@SUBTEST caught|missed`. A group is a subtest's name up to its first
minus. What reads verdicts.json needs no more than id, test, subtest, result, class and reason.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Of verdicts.json.
Json = Mapping[str, Any]

WIDTH = 98
COLUMN = 8


def group_of(name: str) -> str:
    """The group of TEST@SUBTEST or of SUBTEST."""
    return name.rsplit("@", 1)[-1].split("-", 1)[0]


# -------------------------------------------------------------------------------------------------
# One run on the driver with a defect


@dataclasses.dataclass
class Caught:
    """What a run shows of a defect: lines for the catches, for the missers, and who did not run."""

    catches: list[str] = dataclasses.field(default_factory=list)
    misses: list[str] = dataclasses.field(default_factory=list)
    left: list[str] = dataclasses.field(default_factory=list)


def shows_nothing(status: int, catchers: Iterable[str]) -> str | None:
    """Why a run of ./run with this exit status cannot show a defect, if it cannot. Where none has to
    catch it, nothing has to fail."""
    if status in (1, 5, 6):
        return None
    if status == 0:
        return "nothing failed" if list(catchers) else None
    return "nothing ran"


def caught(
    name: str, wanted: Sequence[str], missers: Iterable[str], verdicts: Iterable[Json]
) -> Caught:
    """Which of the WANTED subtests, TEST@SUBTEST each, caught the defect NAME. MISSERS have to pass
    with it: of them the result is told, or what else happened. A known failure of the driver as it
    is proves nothing, neither to have caught a defect nor to have missed it."""
    by_name = {f"{own['test'].rsplit('/', 1)[-1]}@{own['subtest']}": own for own in verdicts}
    silent = set(missers)
    told = Caught()
    for subtest in wanted:
        own = by_name.get(subtest)
        if own and (own["result"] == "notrun" or own["class"] == "left"):
            told.left.append(subtest)
        elif subtest in silent:
            told.misses.append(f"{name} {subtest} {_word(own)}")
        else:
            word = "caught" if own and own["class"] == "fail" else "missed"
            told.catches.append(f"{name} {subtest} {word}")
    return told


def _word(own: Json | None) -> str:
    if own is None:
        return "unknown"
    return str(own["result"] if own["class"] == "fail" else own["class"])


def wrong(told: Caught) -> list[str]:
    """What of a run is not as the defect says."""
    lines = []
    for catch in told.catches:
        _, subtest, word = catch.split()
        if word != "caught":
            lines.append(f"did not catch it: {subtest}")
    for miss in told.misses:
        _, subtest, word = miss.split()
        if word != "pass":
            lines.append(f"did not pass with it: {subtest} ({word})")
    return lines


def only(group: str, verdicts: Sequence[Json]) -> tuple[list[str], bool]:
    """Whether subtests of GROUP failed in a run of the whole suite, and none of another group."""
    if all(own["class"] != "pass" for own in verdicts):
        return ["nothing passed: that was no run of the suite"], False
    failed = [str(own["subtest"]) for own in verdicts if own["class"] == "fail"]
    own_ones = sum(name.startswith(f"{group}-") for name in failed)
    others = len(failed) - own_ones
    counted = f"{own_ones} of group {group}, {others} of others"
    return [*failed, counted], own_ones > 0 and others == 0


# -------------------------------------------------------------------------------------------------
# Two runs that have to be alike


def fares(own: Json | None) -> str:
    """How a subtest fares: failures are alike, and a skip that says nothing is one."""
    if own is None:
        return "not selected"
    if own["class"] == "left":
        return "left out"
    if own["result"] == "notrun":
        return "not run"
    if own["result"] in ("pass", "skip") and own["class"] != "fail":
        return str(own["result"])
    return "fail"


def same(
    one: Sequence[Json], other: Sequence[Json], least: int, words: tuple[str, str]
) -> tuple[list[str], bool]:
    """Whether each subtest fares alike in two runs: the differences with their reasons, or what is
    alike. Every subtest must have run, and LEAST of them have to fail. WORDS say what the runs were."""
    sides = [{own["id"]: own for own in run} for run in (one, other)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    lines = []
    for name in names:
        pair = [side.get(name) for side in sides]
        first, second = (fares(own) for own in pair)
        if first != second or first == "not run":
            lines.append(f"{name}: {first} {words[0]}, {second} {words[1]}")
            lines += [f"    {line}" for own in pair if own for line in own.get("reason") or []]
    failed = sum(fares(sides[0].get(name)) == "fail" for name in names)
    if failed < least:
        lines.append(f"only {failed} fail, of {least} that have to")
    if not names:
        lines.append("no subtest at all")
    if lines:
        return lines, False
    unexpected = sum(own["class"] == "fail" for own in other)
    return [f"{len(other)} subtests fare alike, {unexpected} of them fail"], True


# -------------------------------------------------------------------------------------------------
# Random walks


def walk(out: str, most_operations: int, most_rows: int) -> tuple[str, bool]:
    """Whether a random walk, which printed OUT, failed within some operations, and made them at most
    some rows that fail."""
    operations = re.search(r"failed at operation ([0-9]+)", out)
    rows = re.search(r"minimised to ([0-9]+)", out)
    if not operations:
        return "no operation failed", False
    if not rows:
        return f"operation {operations[1]} failed, and could not be minimised", False
    good = int(operations[1]) <= most_operations and int(rows[1]) <= most_rows
    return f"{operations[1]} operations, {rows[1]} rows", good


# -------------------------------------------------------------------------------------------------
# The matrix of defects and groups


class Matrix:
    """Catches, by defect and group, in the order in which they appear."""

    def __init__(self, catches: Iterable[str]) -> None:
        self.looked: dict[str, dict[str, int]] = {}
        self.caught: dict[str, dict[str, int]] = {}
        self.groups: list[str] = []
        for catch in catches:
            defect, subtest, word = catch.split()
            group = group_of(subtest)
            if group not in self.groups:
                self.groups.append(group)
            for table, count in ((self.looked, 1), (self.caught, int(word == "caught"))):
                row = table.setdefault(defect, {})
                row[group] = row.get(group, 0) + count

    @property
    def defects(self) -> list[str]:
        """All defects."""
        return list(self.looked)

    def cell(self, defect: str, group: str, *, exclusive: bool) -> str:
        """`caught/looked at`, empty where none was looked at. EXCLUSIVE has the number caught."""
        count = self.caught[defect].get(group, 0)
        if exclusive:
            return str(count or ".")
        looked = self.looked[defect].get(group, 0)
        return f"{count}/{looked}" if looked else ""

    def alone(self, group: str) -> list[str]:
        """The defects that this group alone catches."""
        return [
            defect
            for defect, row in self.caught.items()
            if [name for name, count in row.items() if count] == [group]
        ]

    def text(self, *, exclusive: bool) -> list[str]:
        """The matrix in lines. With EXCLUSIVE a line for each group follows, with the defects that it
        alone catches."""
        width = max((len(defect) for defect in self.defects), default=0)

        def line(title: str, cells: Iterable[str]) -> str:
            return f"{title:<{width}}" + "".join(f" {cell:>{COLUMN}}" for cell in cells)

        lines = [line("", self.groups)]
        for defect in self.defects:
            cells = [self.cell(defect, group, exclusive=exclusive) for group in self.groups]
            lines.append(line(defect, cells).rstrip())
        if exclusive:
            lines.append("")
            for group in self.groups:
                lines.append(f"only {group}-*: {' '.join(self.alone(group)) or 'none'}")
        return lines


# -------------------------------------------------------------------------------------------------
# Scenarios, as docs/testplan/testplan.py --scenarios writes them


@dataclasses.dataclass
class Scenarios:
    """The subtests and the own defects of each scenario: those that no other has to catch."""

    subtests: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    own: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @staticmethod
    def parse(lines: Iterable[str]) -> Scenarios:
        """Of lines `scenario SLUG`, `subtest SLUG TEST@SUBTEST`, `own SLUG FOLDER DEFECT`."""
        read = Scenarios()
        for line in lines:
            kind, slug, *more = line.split()
            if kind == "scenario":
                read.subtests.setdefault(slug, [])
                read.own.setdefault(slug, [])
            elif kind == "subtest":
                read.subtests.setdefault(slug, []).append(more[0])
            elif kind == "own":
                read.own.setdefault(slug, []).append(more[1])
        return read

    def text(self) -> tuple[list[str], bool]:
        """Each scenario with its own defects, and below it its subtests; whether each has one."""
        lines = []
        for slug, subtests in self.subtests.items():
            lines.append(f"{slug}: {', '.join(self.own[slug]) or 'none'}")
            names = " ".join(name.split("@", 1)[-1] for name in subtests)
            lines += textwrap.wrap(
                names,
                WIDTH,
                initial_indent="    ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        without = [slug for slug in self.subtests if not self.own[slug]]
        lines += [f"has no defect of its own: {slug}" for slug in without]
        if not self.subtests:
            lines.append("there are no scenarios")
        return lines, bool(self.subtests) and not without

    def outside(self, defect: str, catches: Iterable[str]) -> list[str]:
        """The subtests of other scenarios that caught a defect, if it is a scenario's own."""
        owner = {name: slug for slug, names in self.own.items() for name in names}.get(defect)
        if owner is None:
            return []
        slugs = {name: slug for slug, names in self.subtests.items() for name in names}
        lines = []
        for catch in catches:
            name, subtest, word = catch.split()
            slug = slugs.get(subtest, "")
            if name == defect and word == "caught" and slug != owner:
                lines.append(f"own defect of {owner}, but caught by {subtest} of {slug}")
        return lines
