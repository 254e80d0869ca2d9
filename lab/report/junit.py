# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""JUnit XML, as GitLab and Jenkins read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from report.text import shown
from report.verdicts import Kind, Verdict

# XML 1.0 has no place for these.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _text(lines: list[str]) -> str:
    return CONTROL.sub("?", "\n".join(lines))


def _case(suite: ElementTree.Element, verdict: Verdict) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=verdict.test,
        name=verdict.subtest or verdict.test,
        time=f"{verdict.seconds:.3f}",
    )
    if verdict.unexpected:
        ElementTree.SubElement(case, "failure", message=shown(verdict)).text = _text(verdict.reason)
    elif verdict.kind is not Kind.PASS:
        ElementTree.SubElement(case, "skipped", message=shown(verdict)).text = _text(verdict.reason)
    elif verdict.reason:
        ElementTree.SubElement(case, "system-out").text = _text(verdict.reason)


def junit(verdicts: list[Verdict]) -> str:
    """A document with one suite. What fails as expected is skipped, with the reason."""
    root = ElementTree.Element("testsuites")
    failures = sum(verdict.unexpected for verdict in verdicts)
    passed = sum(verdict.kind is Kind.PASS for verdict in verdicts)
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name="vmali",
        tests=str(len(verdicts)),
        failures=str(failures),
        skipped=str(len(verdicts) - failures - passed),
        time=f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    )
    for verdict in verdicts:
        _case(suite, verdict)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
