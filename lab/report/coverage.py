# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Which lines of the driver ran, by function, from gcov's JSON."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mutants.lists import FunctionRules, plain

Path = pathlib.Path


@dataclass(frozen=True)
class Reason:
    """An entry of kernel/coverage/unreached: lines of a function that no test reaches, and why."""

    function: str
    code: frozenset[str]
    reason: str


@dataclass
class Function:
    """A function of the driver: how often each of its lines ran, by number."""

    file: str
    name: str
    start: int
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def unreached(self) -> list[int]:
        """The numbers of the lines that did not run."""
        return sorted(number for number, count in self.counts.items() if not count)


class UnreachedError(ValueError):
    """An entry of kernel/coverage/unreached that cannot be read."""


def read_reasons(text: str) -> list[Reason]:
    """Entries are separated by blank lines: the function, its lines behind a tab each, the reason."""
    reasons = []
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        lines = [line for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        code = [line for line in lines[1:] if line.startswith("\t")]
        words = [line for line in lines[1:] if not line.startswith("\t")]
        if lines[0].startswith("\t") or not code or not words:
            raise UnreachedError(f"{lines[0].strip()}: not a function, its lines, and a reason")
        reasons.append(Reason(lines[0].strip(), frozenset(map(plain, code)), plain(" ".join(words))))
    return reasons


def documents(text: str) -> Iterator[Any]:
    """The JSON documents of a text, one after the other, as gcov prints one for each object."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        yield document


def functions(records: Iterable[Any], rules: FunctionRules) -> list[Function]:
    """The functions that the rules name. A function of a header is in several objects, and its lines ran
    as often as in all of them."""
    found: dict[tuple[str, str], Function] = {}
    for record in records:
        for file in record["files"]:
            base = Path(file["file"]).name
            for own in file["functions"]:
                if rules.takes(base, own["name"]):
                    found.setdefault(
                        (base, own["name"]), Function(file["file"], own["name"], own["start_line"])
                    )
            for line in file["lines"]:
                own = found.get((base, line.get("function_name", "")))
                if own:
                    number = line["line_number"]
                    own.counts[number] = own.counts.get(number, 0) + line["count"]
    return sorted(found.values(), key=lambda own: (Path(own.file).name, own.start))


@dataclass(frozen=True)
class Line:
    """A line that did not run."""

    number: int
    code: str
    reason: str


def unreached(own: Function, source: list[str], reasons: Iterable[Reason]) -> list[Line]:
    """The lines of a function that did not run, with the reason that is known, or an empty one."""
    lines = []
    for number in own.unreached:
        code = plain(source[number - 1]) if number <= len(source) else ""
        reason = next(
            (one.reason for one in reasons if one.function == own.name and code in one.code), ""
        )
        lines.append(Line(number, code, reason))
    return lines


def table(all_of: list[tuple[Function, list[Line]]]) -> list[str]:
    """A line for each function, its lines that did not run below it, and the sum."""
    width = max((len(own.name) for own, _ in all_of), default=0)
    lines = []
    for own, missed in all_of:
        total = len(own.counts)
        lines.append(f"{Path(own.file).name:<20} {own.name:<{width}} {total - len(missed):4} of {total:4}")
        lines += [
            f"    {line.number:5}: {line.code}" + (f"  ({line.reason})" if line.reason else "")
            for line in missed
        ]
    total = sum(len(own.counts) for own, _ in all_of)
    missed = [line for _, lines_of in all_of for line in lines_of]
    without = sum(not line.reason for line in missed)
    lines.append(
        f"{total - len(missed)} of {total} lines of {len(all_of)} functions ran; {len(missed)} did not, "
        f"{without} of them without a reason in kernel/coverage/unreached"
    )
    return lines


def to_json(all_of: list[tuple[Function, list[Line]]]) -> list[dict[str, Any]]:
    """For programs: the lines of each function, and those that did not run."""
    return [
        {
            "file": Path(own.file).name,
            "function": own.name,
            "lines": len(own.counts),
            "unreached": [
                {"line": line.number, "code": line.code, "reason": line.reason} for line in missed
            ],
        }
        for own, missed in all_of
    ]
