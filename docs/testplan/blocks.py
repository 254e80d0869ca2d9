# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Reads the TEST and SUBTEST blocks of IGT tests, and the list of scenarios of each file.

The format of the blocks is that of IGT's igt_doc.py: comments that open with /**, fields named by a
JSON file, text that continues on the next lines, subtests that inherit every field of their test
but its description. A name may have wildcards; the comment then lists their values:

     * SUBTEST: evict-%s
     * Description: Evict and restore %arg[1].
     *
     * arg[1]:
     *
     * @page:	a single page
     * @block:	exactly one 2 MiB block

Each value may also stand for itself: `arg[1].values: 2, 8`. The n-th wildcard of a name takes the
values of arg[n] of the same comment; %arg[n] or arg[n] in a field is replaced by the text of the
value. igt_doc.py ignores some mistakes (a field that the JSON file does not name, a subtest twice,
a value without a text) or ends with a Python exception; all of them are errors here.

The list of scenarios is a numbered list in any comment, ` * 1. SLUG: text`.
"""

import glob
import itertools
import json
import os
import re
from typing import Any, Iterable, Iterator, Optional

OPENING = re.compile(r"^\s*/\*\*$")
CLOSING = re.compile(r"^\s*\*/$")
FIELD = re.compile(r"([A-Z][A-Za-z -]*):(?:\s+(.*))?$")
ARGUMENT = re.compile(r"arg\[(\d+)\](\.values)?:\s*(.*)")
VALUE = re.compile(r"@(\S+):\s*(.*)")
WILDCARD = re.compile(r"%(?:s|d|ld|lld|i|u|lu|llu)")
REFERENCE = re.compile(r"%?\barg\[(\d+)\]")
SCENARIO = re.compile(r"^ \* +(\d+)\. ([a-z0-9]+(?:-[a-z0-9]+)*):(?:\s+(.*))?$")
SCENARIO_GOES_ON = re.compile(r"^ \* {3,}(\S.*)$")
NAME = re.compile(r"[a-z0-9-]+")

# {number of the argument: {value: text}}
Arguments = dict[int, dict[str, str]]


class Entry:
    """A test or a subtest: where it is documented, its name or summary, its fields."""

    def __init__(self, where: str, text: str, fields: Optional[dict[str, str]] = None) -> None:
        self.where = where
        self.text = text
        self.fields = dict(fields or {})
        self.subtests: list[Entry] = []

    def get(self, field: str) -> str:
        return self.fields.get(field, "")


class Config:
    """What the JSON file says: the sources, and the fields that they may or must have."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as handle:
            self.json = json.load(handle)
        self.name: str = self.json["name"]
        self.folder = os.path.dirname(os.path.abspath(path))
        self.fields: list[str] = []
        self.mandatory: list[str] = []
        self._add(self.json["fields"])

    def _add(self, fields: dict[str, Any]) -> None:
        for name, field in fields.items():
            if name == "_properties_":
                continue
            self.fields.append(name)
            if field.get("_properties_", {}).get("mandatory"):
                self.mandatory.append(name)
            self._add(field)

    def field(self, word: str) -> Optional[str]:
        """The field that a word before a colon names, in the singular or plural, or None."""
        for name in self.fields:
            if word.lower() in (name.lower(), name.lower() + "s"):
                return name
        return None

    def sources(self) -> list[str]:
        return sorted(path for pattern in self.json["files"]
                      for path in glob.glob(os.path.join(self.folder, pattern)))


class Scenario:
    """A line of the numbered list of a file: where it is, its slug, its text."""

    def __init__(self, where: str, slug: str, text: str) -> None:
        self.where = where
        self.slug = slug
        self.text = text


class Source:
    """One file: its tests with their subtests, its scenarios, and what is wrong with them."""

    def __init__(self, path: str, config: Config) -> None:
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.config = config
        self.tests: list[Entry] = []
        self.scenarios: list[Scenario] = []
        self.errors: list[str] = []
        with open(path, encoding="utf-8") as handle:
            lines = handle.readlines()
        for number, comment in comments(lines):
            if any(re.match(r"(TEST|SUBTESTS?):", line) for line in comment):
                # Other comments that open with /** document functions and structures.
                Block(self, number, comment)
        self._scenarios(lines)
        if not self.tests:
            self.errors.append(f"{path}: has no TEST block")

    def subtests(self) -> list[Entry]:
        return [subtest for test in self.tests for subtest in test.subtests]

    def _scenarios(self, lines: Iterable[str]) -> None:
        goes_on = False
        for number, line in enumerate(lines, 1):
            opens, more = SCENARIO.match(line), SCENARIO_GOES_ON.match(line)
            if opens:
                where, slug = f"{self.path}:{number}", opens.group(2)
                self.scenarios.append(Scenario(where, slug, opens.group(3) or ""))
                if int(opens.group(1)) != len(self.scenarios):
                    self.errors.append(f"{where}: scenario {slug}: number {opens.group(1)} instead"
                                       f" of {len(self.scenarios)}")
            elif more and goes_on:
                last = self.scenarios[-1]
                last.text = f"{last.text} {more.group(1)}".strip()
            goes_on = bool(opens or (more and goes_on))


class Block:
    """One comment with a TEST or with SUBTESTs, and the values of their wildcards."""

    def __init__(self, source: Source, number: int, lines: list[str]) -> None:
        self.source = source
        self.entry: Optional[Entry] = None
        self.field: Optional[str] = None
        self.argument = 0
        self.value = ""
        self.arguments: Arguments = {}
        self.templates: list[tuple[Entry, Entry]] = []
        for number, line in enumerate(lines, number):
            where = f"{source.path}:{number}"
            opens = re.match(r"(TEST|SUBTESTS?):\s*(.*)", line)
            if opens:
                self._open(where, opens.group(1), opens.group(2))
            elif self.entry and line:
                self._line(where, self.entry, line)
        for test, template in self.templates:
            self._expand(test, template)

    def _error(self, where: str, text: str) -> None:
        self.source.errors.append(f"{where}: {text}")

    def _open(self, where: str, tag: str, text: str) -> None:
        self.entry, self.field, self.argument = None, None, 0
        tests = self.source.tests
        if tag == "TEST":
            self.entry = Entry(where, text)
            tests.append(self.entry)
        elif not tests:
            self._error(where, f"SUBTEST {text} before any TEST")
        else:
            inherited = {k: v for k, v in tests[-1].fields.items() if k != "Description"}
            self.entry = Entry(where, text, inherited)
            self.templates.append((tests[-1], self.entry))

    def _line(self, where: str, entry: Entry, line: str) -> None:
        field, argument, value = FIELD.match(line), ARGUMENT.match(line), VALUE.match(line)
        if field:
            self._field(where, entry, field.group(1), field.group(2) or "")
        elif argument:
            self._argument(where, int(argument.group(1)), bool(argument.group(2)),
                           argument.group(3))
        elif value and self.argument:
            self._value(where, value.group(1), value.group(2))
        elif self.field:
            entry.fields[self.field] = f"{entry.get(self.field)} {line.strip()}".strip()
        elif self.argument and self.value and line[0].isspace():
            values = self.arguments[self.argument]
            values[self.value] = f"{values[self.value]} {line.strip()}".strip()
        else:
            self._error(where, "text that belongs to no field")

    def _field(self, where: str, entry: Entry, word: str, text: str) -> None:
        self.field, self.argument = self.source.config.field(word), 0
        if self.field:
            entry.fields[self.field] = text
        else:
            self._error(where, f"no field is called {word}")

    def _argument(self, where: str, number: int, values: bool, text: str) -> None:
        self.field, self.argument, self.value = None, number, ""
        self.arguments.setdefault(number, {})
        if not self.templates:
            self._error(where, f"arg[{number}] before any SUBTEST of its comment")
        if not values and text:
            # igt_doc.py takes this for a number, which it compares with nothing.
            self._error(where, f"arg[{number}] needs a list of values, not a text")
        elif values:
            for value in filter(None, (word.strip() for word in text.split(","))):
                self._value(where, value, value)
            self.value = ""

    def _value(self, where: str, value: str, text: str) -> None:
        if value in self.arguments[self.argument]:
            self._error(where, f"arg[{self.argument}]: the value {value} twice")
        self.arguments[self.argument][value] = text
        self.value = value

    def _expand(self, test: Entry, template: Entry) -> None:
        """Adds the subtests that a name stands for, the values of the last wildcard fastest."""
        where, name = template.where, template.text
        pieces = WILDCARD.split(name)
        numbers = range(1, len(pieces))
        missing = [n for n in numbers if not self.arguments.get(n)]
        text = " ".join(template.fields.values())
        missing += [n for n in sorted({int(n) for n in REFERENCE.findall(text)})
                    if n not in numbers]
        if missing:
            self.source.errors += [f"{where}: SUBTEST {name}: arg[{n}] is not that of a wildcard"
                                   " or has no values" for n in missing]
            return
        for values in itertools.product(*(self.arguments[n].items() for n in numbers)):
            filled = pieces[0] + "".join(value + piece for (value, _), piece
                                         in zip(values, pieces[1:]))
            if not NAME.fullmatch(filled):
                self._error(where, f"SUBTEST {filled}: not the name of a subtest")
            texts = [value_text for _, value_text in values]
            if not all(texts):
                self._error(where, f"SUBTEST {filled}: the value of a wildcard has no text")
            fields = {field: REFERENCE.sub(lambda m, t=texts: t[int(m.group(1)) - 1], content)
                      for field, content in template.fields.items()}
            test.subtests.append(Entry(where, filled, fields))


def comments(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the first line and the lines of each comment that opens with /**."""
    first: int = 0
    text: list[str] = []
    for number, line in enumerate(lines, 1):
        if OPENING.match(line):
            first, text = number + 1, []
        elif CLOSING.match(line) and first:
            yield first, text
            first = 0
        elif first:
            text.append(re.sub(r"^\s*\* ?", "", line.rstrip("\n")))
