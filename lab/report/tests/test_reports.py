# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The table, JUnit, the page and the comparison, on made-up results."""

from __future__ import annotations

import html.parser
import pathlib
from xml.etree import ElementTree

import pytest

from report import __main__ as main
from report import compare, junit, ktap, page, text, verdicts
from report.plan import Planned
from report.tests.conftest import SKIPPED, Results
from report.verdicts import Kind, Verdict


def mixed(results: Results) -> list[Verdict]:
    """A pass, a failure with a row, a skip, an expected failure."""
    results.add("a-ok", "pass")
    results.add("a-bad", "fail", dmesg="<4> [1.0] kernel <words>")
    results.row("a-bad", "four-kib", "pass")
    results.row("a-bad", "big-one", "fail", 'words of <&">\x01')
    results.add("b-skip", "skip", SKIPPED)
    results.add("b-known", "fail", "", "CRITICAL: known words")
    results.fails = "# the driver forgets\npanthor/t@b-known,Fail"
    return results.judge("a-ok", "a-bad", "b-skip", "b-known")


def test_table(results: Results) -> None:
    lines = text.table(mixed(results), quiet=False)
    assert lines[0].split() == ["a-ok", "Pass", "0.25", "s"]
    assert lines[1].split() == ["a-bad", "Fail", "0.25", "s"]
    assert lines[2] == "    row big-one: fail"
    assert "b-known  ExpectedFail       0.25 s" in lines


def test_quiet_table_has_what_is_unexpected(results: Results) -> None:
    lines = text.table(mixed(results), quiet=True)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["a-bad"]


def test_names_of_several_tests(results: Results) -> None:
    judged = mixed(results) + [Verdict("igt@core_x", "pass", Kind.PASS)]
    lines = text.table(judged, quiet=False)
    assert lines[0].startswith("panthor/t@a-ok ") and lines[-1].startswith("core_x ")


def test_summary_counts_failures_that_nobody_expects(results: Results) -> None:
    assert text.summary(mixed(results)) == "1 passed, 1 failed, 1 skipped, 1 failed as expected"


def test_junit(results: Results) -> None:
    root = ElementTree.fromstring(junit.junit(mixed(results)).encode())
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["4", "1", "2"]
    failure = suite.find("testcase[@name='a-bad']/failure")
    assert failure is not None and failure.text == 'row big-one: fail\n  words of <&">?'
    skipped = suite.find("testcase[@name='b-skip']/skipped")
    assert skipped is not None and "no such feature" in (skipped.text or "")


class Page(html.parser.HTMLParser):
    """Which elements a page has, and what it refers to."""

    VOID = ("meta", "input", "br")

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.feed(content)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href"):
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(results: Results, **more: object) -> str:
    judged = mixed(results)
    plan = {"t@a-bad": Planned("Bind a page.", "Lost pages.", "a")}
    metadata = {
        "stock": True,
        "params": ["transparent_hugepage=0"],
        "patches": ["/x/0001-a.patch"],
        "patches_added": ["my patch.patch"],
    }
    run = page.Run(1, metadata, judged, results.tests, plan=plan, times="boot 2 s", **more)  # type: ignore[arg-type]
    return page.page(run)


def test_page(results: Results) -> None:
    content = page_of(results)
    parsed = Page(content)
    assert "igt@panthor/t@a-bad" in parsed.ids
    assert parsed.references == []
    assert "row big-one: fail\n  words of &lt;&amp;&#34;&gt;" in content
    assert "2 rows" in content and "four-kib: pass" in content
    assert "kernel &lt;words&gt;" in content
    assert "Lost pages." in content
    assert (
        "./run --stock --patch &#39;my patch.patch&#39; --param transparent_hugepage=0 "
        "panthor/t@a-bad" in content
    )


def test_page_of_a_board_that_died(results: Results) -> None:
    run = page.Run(5, {}, [], {}, log=["last <words>"], reports=["WARNING: at f"])
    content = page.page(run)
    Page(content)
    assert "the guest or the model died" in content
    assert "last &lt;words&gt;" in content and "WARNING: at f" in content


def verdict(name: str, kind: Kind, seconds: float = 0.1) -> Verdict:
    return Verdict(f"igt@t@{name}", kind.value, kind, seconds)


def test_compare() -> None:
    old = [
        verdict("same", Kind.PASS),
        verdict("broken", Kind.PASS),
        verdict("fixed", Kind.EXPECTED_FAIL),
        verdict("gone", Kind.PASS),
        verdict("skips", Kind.PASS),
        verdict("slow", Kind.PASS, 1.0),
        verdict("noise", Kind.PASS, 0.1),
    ]
    new = [
        verdict("same", Kind.PASS),
        verdict("broken", Kind.FAIL),
        verdict("fixed", Kind.PASS),
        verdict("new", Kind.PASS),
        verdict("skips", Kind.SKIP),
        verdict("slow", Kind.PASS, 2.1),
        verdict("noise", Kind.PASS, 0.9),
    ]
    here = pathlib.Path()
    comparison = compare.compare(compare.named({here: old}), compare.named({here: new}))
    for title, changes in comparison.sections()[:4]:
        assert [change.name for change in changes] == [f"t@{title}"]
    assert [change.name for change in comparison.other] == ["t@skips"]
    assert [change.name for change in comparison.slower] == ["t@slow"]
    assert comparison.unchanged == 2
    assert "    t@broken: Pass → Fail (0.10 s → 0.10 s)" in compare.text(comparison)
    Page(compare.html(comparison))


def test_compare_trees(tmp_path: pathlib.Path) -> None:
    for tree, kind in (("old", Kind.PASS), ("new", Kind.FAIL)):
        for folder in ("shards/1", "shards/2", "stock") if tree == "old" else ("shards/1", "stock"):
            (tmp_path / tree / folder / "guest").mkdir(parents=True)
            records = [verdict("a", kind if folder == "stock" else Kind.PASS).to_json()]
            main._write(tmp_path / tree / folder / "verdicts.json", records)
    trees = [main._tree(tmp_path / tree) for tree in ("old", "new")]
    comparison = compare.compare(*trees)
    assert [change.name for change in comparison.broken] == ["stock: t@a"]
    assert [change.name for change in comparison.gone] == ["shards/2: t@a"]
    assert comparison.unchanged == 1
    assert list(main._tree(tmp_path / "new" / "stock")) == ["t@a"]
    with pytest.raises(SystemExit, match="no verdicts there"):
        main._tree(tmp_path / "old" / "stock" / "guest")


KTAP = """KTAP version 1
    KTAP version 1
    # Subtest: arith
    # module: m
    1..3
    ok 1 good
    # bad: EXPECTATION FAILED at x.c:3
    not ok 2 bad
    ok 3 left # SKIP no device
# arith: pass:1 fail:1 skip:1 total:3
not ok 1 arith
"""


def test_ktap(results: Results) -> None:
    tests = ktap.tests(KTAP)
    assert {name: own["result"] for name, own in tests.items()} == {
        "igt@kunit/arith@good": "pass",
        "igt@kunit/arith@bad": "fail",
        "igt@kunit/arith@left": "skip",
    }
    judged = verdicts.judge(list(tests), [], tests, results.expected)
    assert judged[1].reason == ["# bad: EXPECTATION FAILED at x.c:3"]
    assert judged[2].reason == ["no device"]


def test_ktap_that_ends_early() -> None:
    tests = ktap.tests("    # Subtest: arith\n    1..2\n    ok 1 good\n")
    assert tests["igt@kunit/arith@suite"]["err"] == "1 of 2 cases have a result"


def test_ktap_of_a_suite_that_fails_by_itself() -> None:
    tests = ktap.tests("    # Subtest: arith\n    1..1\n    ok 1 good\nnot ok 1 arith\n")
    assert tests["igt@kunit/arith@suite"]["err"] == "the suite itself failed"


def test_junit_of_items(tmp_path: pathlib.Path) -> None:
    (tmp_path / "verdicts").write_text(
        "fail 3 unit: gcc, sanitizers: none\npass 9 lab: a\nskip 1 lab: b\n"
        "fail 2 lab: c\npass 4 unit: gcc, sanitizers: none\n",
        encoding="utf-8",
    )
    (tmp_path / "lab__b.log").write_text("one\nno toolbox\n", encoding="utf-8")
    suite = ElementTree.fromstring(junit.items(tmp_path))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    unit, plain, skipped, failed = suite
    assert (unit.get("classname"), unit.get("name"), len(unit)) == ("unit", "gcc, sanitizers: none", 0)
    assert (plain.get("name"), plain.get("time")) == ("a", "9.000")
    assert [(one.tag, one.get("message"), one.text) for one in skipped] == [
        ("skipped", "no toolbox", "one\nno toolbox")
    ]
    assert [one.tag for one in failed] == ["failure"]
