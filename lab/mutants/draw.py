# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Draws mutants from the driver's sources: at random from the functions of a list, or from the lines
that a patch adds."""

import difflib
import hashlib
import os
import re
from dataclasses import asdict, dataclass
from typing import Any, Iterable, Iterator

from .csource import Source
from .lists import Equivalent, FunctionRules, plain
from .operators import Change, changes_of

DRIVER = "drivers/gpu/drm/panthor"


@dataclass(frozen=True)
class Mutant:
    """`old` and `new` are the changed lines, `before` the lines of the function in front of them,
    each on one line. `line` counts from 1, for people. `equivalent` is the reason why no test can
    notice the mutant, or empty."""
    name: str
    file: str
    line: int
    function: str
    operator: str
    before: str
    old: str
    new: str
    equivalent: str
    patch: str

    def described(self) -> dict[str, Any]:
        return asdict(self)


def changed_lines(source: Source, change: Change) -> tuple[int, int, str]:
    """First and last line that the change touches, and their new text."""
    first, last = source.line_of(change.start), source.line_of(change.end - 1)
    old_start, old_end = source.line_start(first), source.line_start(last + 1)
    return first, last, source.text[old_start:change.start] + change.new + \
        source.text[change.end:old_end]


def diff(source: Source, first: int, last: int, new: str) -> str:
    """The change as a patch for `patch -p1`."""
    after = source.lines[:first] + new.splitlines(keepends=True) + source.lines[last + 1:]
    return "".join(difflib.unified_diff(source.lines, after, f"a/{source.path}",
                                        f"b/{source.path}"))


def order_key(seed: str, function: str, before: str, old: str, new: str) -> str:
    """Mutants are drawn in the order of a digest of their contents. A change of the driver elsewhere
    leaves the order of the others as it is."""
    return hashlib.sha256("\n".join((seed, function, before, old, new)).encode()).hexdigest()


class Candidates:
    """All mutants that can be drawn, each once."""

    def __init__(self, equivalents: list[Equivalent]) -> None:
        self.equivalents = equivalents
        self.matched: set[Equivalent] = set()
        self.drawn: dict[tuple[str, str, str, str], tuple[Source, Change]] = {}

    def add(self, source: Source, change: Change, function_start: int) -> None:
        first, last, new = changed_lines(source, change)
        before = plain("".join(source.lines[function_start:first]))
        old = plain("".join(source.lines[first:last + 1]))
        self.drawn.setdefault((change.function, before, old, plain(new)), (source, change))

    def _reason(self, key: tuple[str, str, str, str]) -> str:
        function, before, old, new = key
        for entry in self.equivalents:
            if entry.matches(function, before, old, new):
                return entry.reason
        return ""

    def stale(self) -> list[Equivalent]:
        """Entries of the list that match no candidate."""
        return [entry for entry in self.equivalents
                if not any(entry.matches(*key) for key in self.drawn)]

    def draw(self, seed: str, count: int) -> list[Mutant]:
        """The first mutants in the order of the seed; all if count is 0."""
        keys = sorted(self.drawn, key=lambda key: order_key(seed, *key))
        return [self._mutant(number, key) for number, key in
                enumerate(keys[:count] if count else keys, 1)]

    def _mutant(self, number: int, key: tuple[str, str, str, str]) -> Mutant:
        source, change = self.drawn[key]
        function, before, old, new = key
        first, last, text = changed_lines(source, change)
        return Mutant(f"{number:04d}", os.path.basename(source.path), first + 1, function,
                      change.operator, before[-200:], old, new, self._reason(key),
                      diff(source, first, last, text))


def read_source(tree: str, file: str) -> Source:
    path = f"{DRIVER}/{file}"
    with open(os.path.join(tree, path), encoding="utf-8") as handle:
        return Source(path, handle.read())


def from_functions(tree: str, rules: FunctionRules, equivalents: list[Equivalent]) -> Candidates:
    candidates = Candidates(equivalents)
    for file in rules.files():
        if not os.path.exists(os.path.join(tree, DRIVER, file)):
            continue
        source = read_source(tree, file)
        for function in source.functions:
            if rules.takes(file, function.name):
                start = source.line_of(source.tokens[function.first].start)
                for change in changes_of(source, function):
                    candidates.add(source, change, start)
    return candidates


# ------------------------------------------------------------------------------------------------
# The lines that a patch adds

@dataclass(frozen=True)
class Hunk:
    """What a hunk leaves in the file: its lines, and which of them it added."""
    file: str
    start: int
    lines: list[str]
    added: list[bool]


def hunks(text: str) -> Iterator[Hunk]:
    file, start, left = "", 0, (0, 0)
    lines: list[str] = []
    added: list[bool] = []
    for line in text.splitlines():
        if left != (0, 0):
            old, new = left
            if line[:1] != "+" and line[:1] != "\\":
                old -= 1
            if line[:1] != "-" and line[:1] != "\\":
                new -= 1
                lines.append(line[1:])
                added.append(line[:1] == "+")
            left = (old, new)
            if left == (0, 0):
                yield Hunk(file, start, lines, added)
        elif line.startswith("+++ "):
            file = line[4:].split("\t")[0].partition("/")[2]
        else:
            match = re.match(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line)
            if match:
                start, lines, added = int(match.group(2)) - 1, [], []
                left = (int(match.group(1) or 1), int(match.group(3) or 1))


def find_lines(wanted: list[str], lines: list[str], near: int) -> int:
    """Where the wanted lines are in a file, the nearest to a line, or -1."""
    found = [at for at in range(len(lines) - len(wanted) + 1)
             if lines[at:at + len(wanted)] == wanted]
    return min(found, key=lambda at: abs(at - near), default=-1)


def added_lines(hunk: Hunk, lines: list[str]) -> tuple[set[int], int]:
    """The numbers of the lines of a file that a hunk added, and how many of those lines are not in
    it any more: later patches of the series may have changed them."""
    at = find_lines(hunk.lines, lines, hunk.start)
    if at >= 0:
        return {at + n for n, added in enumerate(hunk.added) if added}, 0
    found: set[int] = set()
    lost = n = 0
    while n < len(hunk.lines):
        end = n
        while end < len(hunk.lines) and hunk.added[end]:
            end += 1
        if end > n:
            at = find_lines(hunk.lines[n:end], lines, hunk.start + n)
            if at >= 0:
                found |= set(range(at, at + end - n))
            else:
                lost += end - n
        n = max(end, n + 1)
    return found, lost


def from_patch(tree: str, text: str, equivalents: list[Equivalent]) -> tuple[Candidates, int]:
    """The mutants of the lines that a patch adds to functions of the driver, and how many of its
    lines are not in the tree any more."""
    candidates, lost = Candidates(equivalents), 0
    added: dict[str, list[Hunk]] = {}
    for hunk in hunks(text):
        if hunk.file.startswith(DRIVER + "/") and re.search(r"\.[ch]$", hunk.file) and \
                "kunit" not in hunk.file and os.path.exists(os.path.join(tree, hunk.file)):
            added.setdefault(hunk.file, []).append(hunk)
    for path, of_file in added.items():
        source = read_source(tree, os.path.basename(path))
        plain_lines = [line.rstrip("\n") for line in source.lines]
        numbers: set[int] = set()
        for hunk in of_file:
            found, missing = added_lines(hunk, plain_lines)
            numbers |= found
            lost += missing
        add_touching(candidates, source, numbers)
    return candidates, lost


def add_touching(candidates: Candidates, source: Source, numbers: Iterable[int]) -> None:
    """Adds the changes whose first line is one of those."""
    wanted = set(numbers)
    for function in source.functions:
        start = source.line_of(source.tokens[function.first].start)
        for change in changes_of(source, function):
            if source.line_of(change.start) in wanted:
                candidates.add(source, change, start)
