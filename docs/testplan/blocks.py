# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Reads the TEST and SUBTEST blocks of IGT tests.

The format is that of IGT's igt_doc.py: comments that open with /**, fields named by a JSON file,
text that goes on in the next lines, subtests that inherit every field of their test but its
description. Wildcards in names are not read; what igt_doc.py passes over in silence (a field that
the JSON file does not name, a subtest twice) is an error here.
"""

import glob
import json
import os
import re

OPENING = re.compile(r"^\s*/\*\*$")
CLOSING = re.compile(r"^\s*\*/$")
FIELD = re.compile(r"([A-Z][A-Za-z -]*):(?:\s+(.*))?$")


class Entry:
    """A test or a subtest: where it is documented, its name or summary, its fields."""

    def __init__(self, where, text, fields=None):
        self.where = where
        self.text = text
        self.fields = dict(fields or {})
        self.subtests = []

    def get(self, field):
        return self.fields.get(field, "")


class Config:
    """What the JSON file says: the sources, and the fields that they may or must have."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as handle:
            self.json = json.load(handle)
        self.name = self.json["name"]
        self.folder = os.path.dirname(os.path.abspath(path))
        self.fields = []
        self.mandatory = []
        self._add(self.json["fields"])

    def _add(self, fields):
        for name, field in fields.items():
            if name == "_properties_":
                continue
            self.fields.append(name)
            if field.get("_properties_", {}).get("mandatory"):
                self.mandatory.append(name)
            self._add(field)

    def field(self, word):
        """The field that a word before a colon names, in the singular or plural, or None."""
        for name in self.fields:
            if word.lower() in (name.lower(), name.lower() + "s"):
                return name
        return None

    def sources(self):
        return sorted(path for pattern in self.json["files"]
                      for path in glob.glob(os.path.join(self.folder, pattern)))


class Source:
    """One file: its tests with their subtests, and what is wrong with them."""

    def __init__(self, path, config):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.config = config
        self.tests = []
        self.errors = []
        with open(path, encoding="utf-8") as handle:
            for number, lines in comments(handle):
                self._comment(number, lines)
        if not self.tests:
            self.errors.append(f"{path}: has no TEST block")

    def subtests(self):
        return [subtest for test in self.tests for subtest in test.subtests]

    def _comment(self, number, lines):
        """Other comments that open with /** document functions and structures."""
        if not any(re.match(r"(TEST|SUBTESTS?):", line) for line in lines):
            return
        entry = field = None
        for number, line in enumerate(lines, number):
            opens = re.match(r"(TEST|SUBTESTS?):\s*(.*)", line)
            if opens:
                entry = self._open(number, opens.group(1), opens.group(2))
                field = None
            elif entry and line:
                field = self._line(number, entry, field, line)

    def _open(self, number, tag, text):
        where = f"{self.path}:{number}"
        if tag == "TEST":
            self.tests.append(Entry(where, text))
            return self.tests[-1]
        if not re.fullmatch("[a-z0-9-]+", text):
            self.errors.append(f"{where}: SUBTEST {text}: not the name of a subtest")
        if not self.tests:
            self.errors.append(f"{where}: SUBTEST {text} before any TEST")
            return None
        test = self.tests[-1]
        inherited = {k: v for k, v in test.fields.items() if k != "Description"}
        test.subtests.append(Entry(where, text, inherited))
        return test.subtests[-1]

    def _line(self, number, entry, field, line):
        match = FIELD.match(line)
        if not match:
            if field:
                entry.fields[field] = f"{entry.get(field)} {line.strip()}".strip()
            else:
                self.errors.append(f"{self.path}:{number}: text that belongs to no field")
            return field
        field = self.config.field(match.group(1))
        if field:
            entry.fields[field] = match.group(2) or ""
        else:
            self.errors.append(f"{self.path}:{number}: no field is called {match.group(1)}")
        return field


def comments(lines):
    """Yields the number of the first line and the lines of each comment that opens with /**."""
    first, text = 0, []
    for number, line in enumerate(lines, 1):
        if OPENING.match(line):
            first, text = number + 1, []
        elif CLOSING.match(line) and first:
            yield first, text
            first = 0
        elif first:
            text.append(re.sub(r"^\s*\* ?", "", line.rstrip("\n")))
