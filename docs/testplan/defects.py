# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Reads what proves that a subtest can fail: planted defects, changes of the driver that a subtest
asked for, and the failures that are expected of the driver as it is."""

import glob
import os
import re
from typing import Iterator


class Proof:
    """A patch that some subtests fail with, or fail without, and that others do not notice."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.path = path
        self.title = subject(lines)
        if any(line.startswith("Subject:") for line in lines) and "---" in lines:
            # A mail: what stands above the three dashes is its message.
            lines = lines[lines.index("---"):]
        self.subtests = tagged(lines, "Caught-by")
        self.missed = tagged(lines, "Missed-by")
        self.only = " ".join(tagged(lines, "Only"))

    def scenario(self, scenarios: dict[str, str]) -> str:
        """The scenario that the defect is the own one of, or nothing: all subtests that catch it
        are of that scenario, and there are subtests that miss it."""
        caught = {scenarios.get(name, "") for name in self.subtests}
        return caught.pop() if len(caught) == 1 and self.missed else ""


def series(folder: str) -> tuple[str, list[str]]:
    """The files that a series file names, and the series file itself."""
    path = os.path.join(folder, "series")
    with open(path, encoding="utf-8") as handle:
        names = [re.sub("#.*", "", line).strip() for line in handle]
    return path, [os.path.join(folder, name) for name in names if name]


def head(path: str) -> list[str]:
    """The lines of a patch before its first hunk."""
    lines = []
    with open(path, encoding="utf-8", errors="replace") as handle:
        for line in handle:
            if re.match(r"diff |--- \S+/|@@ ", line):
                break
            lines.append(line.rstrip("\n"))
    return lines


def subject(lines: list[str]) -> str:
    """The subject of a mail, or the first line of a head that is none, without its prefix."""
    text = "\n".join(lines)
    mail = re.search(r"^Subject:\s*((?:.*\n)(?:[ \t].*\n)*)", text + "\n", re.M)
    if mail:
        return re.sub(r"^\[[^]]*\]\s*", "", " ".join(mail.group(1).split()))
    return next((line for line in lines if line and not line.startswith("SPDX-")), "")


def tagged(lines: list[str], tag: str) -> list[str]:
    return [line.split(":", 1)[1].strip() for line in lines if line.startswith(tag + ":")]


def patches(folder: str) -> tuple[list[Proof], list[str]]:
    """The proofs of a folder with a series file, and the files that were read."""
    path, files = series(folder)
    return [Proof(name, head(name)) for name in files], [path] + files


def expectations(folder: str) -> tuple[dict[str, list[str]], list[str]]:
    """The failures that are expected: {subtest: [kernel: reason, ...]}, and the files read."""
    expected: dict[str, list[str]] = {}
    files = sorted(glob.glob(os.path.join(folder, "*-fails.txt")))
    for path in files:
        kernel = os.path.basename(path)[:-len("-fails.txt")]
        for name, reason in failures(path):
            expected.setdefault(name, []).append(f"on {kernel}: {reason}")
    return expected, files


def failures(path: str) -> Iterator[tuple[str, str]]:
    """Yields the subtests that a file of lab/expectations names, and the reasons."""
    reason: list[str] = []
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            line = line.strip()
            if line.startswith("#"):
                reason.append(line.lstrip("# "))
            elif not line:
                reason = []
            else:
                yield line.rsplit(",", 1)[0].split("/")[-1], " ".join(reason)
