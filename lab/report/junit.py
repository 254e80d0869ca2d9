# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""JUnit XML, as GitLab and Jenkins read it."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from xml.etree import ElementTree

from report.text import shown
from report.verdicts import Kind, Verdict

# XML 1.0 has no place for these.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


# The most lines of an item's log.
ITEM_LINES = 40


@dataclasses.dataclass(frozen=True)
class Case:
    """A test case: OUTCOME is the element that says how it ended; None for a pass without a word."""

    classname: str
    name: str
    seconds: float
    outcome: str | None
    message: str = ""
    text: str = ""


def _case(verdict: Verdict) -> Case:
    reason = "\n".join(verdict.reason)
    name = verdict.subtest or verdict.test
    if verdict.unexpected:
        return Case(verdict.test, name, verdict.seconds, "failure", shown(verdict), reason)
    if verdict.kind is not Kind.PASS:
        return Case(verdict.test, name, verdict.seconds, "skipped", shown(verdict), reason)
    return Case(verdict.test, name, verdict.seconds, "system-out" if reason else None, "", reason)


def document(cases: list[Case]) -> str:
    """A document with one suite."""
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name="vmali",
        tests=str(len(cases)),
        failures=str(sum(case.outcome == "failure" for case in cases)),
        skipped=str(sum(case.outcome == "skipped" for case in cases)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=case.classname, name=case.name, time=f"{case.seconds:.3f}"
        )
        if case.outcome:
            message = {"message": case.message} if case.message else {}
            outcome = ElementTree.SubElement(element, case.outcome, message)
            outcome.text = CONTROL.sub("?", case.text)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def junit(verdicts: list[Verdict]) -> str:
    """Of a run. What fails as expected is skipped, with the reason."""
    return document([_case(verdict) for verdict in verdicts])


def _item(folder: pathlib.Path, verdict: str, seconds: str, name: str) -> Case:
    group, _, item = name.partition(": ")
    outcome = {"pass": None, "skip": "skipped"}.get(verdict, "failure")
    if outcome is None:
        return Case(group, item, float(seconds), None)
    log = folder / (re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".log")
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return Case(group, item, float(seconds), outcome, (lines or [""])[-1], "\n".join(lines[-ITEM_LINES:]))


def items(folder: pathlib.Path) -> str:
    """Of a run of ./check, from its lines `VERDICT SECONDS GROUP: ITEM`. The last one of an item counts:
    --resume adds another."""
    found: dict[str, Case] = {}
    for line in (folder / "verdicts").read_text(encoding="utf-8").splitlines():
        verdict, seconds, name = line.split(" ", 2)
        found[name] = _item(folder, verdict, seconds, name)
    return document(list(found.values()))
