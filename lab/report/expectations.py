# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Expectation files, in the format of the kernel's drm-ci.

A line of a fails file is TEST@SUBTEST,RESULT; one of a flakes or skips file is a regular expression
that matches a whole name. The comment lines in front of an entry are its reason.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Entry:
    """A line of an expectation file."""

    name: str
    reason: str


def parse(text: str) -> list[Entry]:
    """The entries of a file. A blank line ends the reason of what follows."""
    entries: list[Entry] = []
    reason: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            reason.append(re.sub(r"^\s*#\s*", "", line))
        elif not line.strip():
            reason = []
        else:
            name = re.sub(r",[^,]*$", "", line.rstrip().removeprefix("igt@"))
            entries.append(Entry(name, " ".join(reason)))
    return entries


def exactly(name: str, entries: list[Entry]) -> Entry | None:
    """The entry that is this name."""
    return next((entry for entry in entries if entry.name == name), None)


def matching(name: str, entries: list[Entry]) -> Entry | None:
    """The first entry whose regular expression matches the whole name."""
    return next((entry for entry in entries if re.fullmatch(entry.name, name)), None)


@dataclasses.dataclass(frozen=True)
class Expectations:
    """The files of one kernel. A missing file has no entries."""

    fails: list[Entry] = dataclasses.field(default_factory=list)
    flakes: list[Entry] = dataclasses.field(default_factory=list)
    skips: list[Entry] = dataclasses.field(default_factory=list)

    @staticmethod
    def read(
        folder: pathlib.Path, name: str, *, special: Sequence[str] = (), skips: bool = True
    ) -> Expectations:
        """The files NAME-fails.txt, NAME-flakes.txt and NAME-skips.txt of a folder.

        SPECIAL are endings of NAME for the board, the most special one first: of each kind the first
        file that is there holds, and NAME alone comes last.
        """

        def entries(kind: str) -> list[Entry]:
            paths = (folder / f"{name}{ending}-{kind}.txt" for ending in (*special, ""))
            path = next((path for path in paths if path.is_file()), None)
            return parse(path.read_text(encoding="utf-8")) if path else []

        return Expectations(entries("fails"), entries("flakes"), entries("skips") if skips else [])
