# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""The lists of kernel/mutants: which functions mutants are drawn from, and which mutants change
nothing that can be told from outside."""

import fnmatch
import re
from dataclasses import dataclass


class ListError(Exception):
    """A list that cannot be read: the message is one line."""


def plain(text: str) -> str:
    """Code on one line, with one blank for all white space."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Rule:
    """A line of kernel/mutants/functions: functions of a file, by a pattern; `take` is False behind
    a !."""
    file: str
    pattern: str
    take: bool


class FunctionRules:
    """The last rule that matches a function decides."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules

    def files(self) -> list[str]:
        return sorted({rule.file for rule in self.rules if rule.take})

    def takes(self, file: str, function: str) -> bool:
        taken = False
        for rule in self.rules:
            if rule.file == file and fnmatch.fnmatchcase(function, rule.pattern):
                taken = rule.take
        return taken


def read_functions(path: str, text: str) -> FunctionRules:
    rules = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            raise ListError(f"{path}:{number}: not of the form FILE PATTERN")
        rules.append(Rule(words[0], words[1].lstrip("!"), not words[1].startswith("!")))
    return FunctionRules(rules)


@dataclass(frozen=True)
class Equivalent:
    """An entry of kernel/mutants/equivalent. `before` are lines that stand in front of the changed
    ones, for a line that a function has twice; it may be empty."""
    function: str
    before: str
    old: str
    new: str
    reason: str

    def matches(self, function: str, before: str, old: str, new: str) -> bool:
        return (self.function, self.old, self.new) == (function, old, new) and \
            before.endswith(self.before)


def read_equivalents(path: str, text: str) -> list[Equivalent]:
    """Entries are separated by blank lines: the function, the lines in the form of a diff, the
    reason."""
    entries = []
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        lines = [line for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        body = lines[1:]
        parts = {mark: plain(" ".join(line[1:] for line in body if line[0] == mark))
                 for mark in " -+"}
        reason = plain(" ".join(line for line in body if line[0] not in " -+"))
        function = lines[0].strip()
        if not re.fullmatch(r"\w+", function) or not parts["-"] or not reason:
            raise ListError(f"{path}: the entry of {function}: needs a function, lines - and +, "
                            "and a reason")
        entries.append(Equivalent(function, parts[" "], parts["-"], parts["+"], reason))
    return entries
