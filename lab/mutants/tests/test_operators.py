# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""The mutations of small sources, all of them: golden/*.txt has a line for each."""

import os
import pytest
from mutants.csource import Source
from mutants.draw import changed_lines, diff
from mutants.operators import changes_of

GOLDEN = os.path.join(os.path.dirname(__file__), "golden")


def mutations(source: Source) -> list[str]:
    found = []
    for function in source.functions:
        for change in changes_of(source, function):
            old = " ".join(source.text[change.start:change.end].split())
            found.append(f"{source.line_of(change.start) + 1}: {change.operator}: "
                         f"{old} -> {change.new.strip() or 'nothing'}")
    return found


def source_of(body: str) -> Source:
    return Source("x.c", "int f(int a)\n{\n\t" + body + "\n}\n")


@pytest.mark.parametrize("name", ["operators", "statements"])
def test_golden(name: str) -> None:
    with open(os.path.join(GOLDEN, name + ".c"), encoding="utf-8") as handle:
        source = Source(name + ".c", handle.read())
    with open(os.path.join(GOLDEN, name + ".txt"), encoding="utf-8") as handle:
        wanted = [line for line in handle.read().splitlines() if not line.startswith("#")]
    assert mutations(source) == wanted


@pytest.mark.parametrize("body", ["u64 *p;", "g(&a, *b);", "x = (u32 *)y;", "drm_dbg(d, a + 1);",
                                  "WARN_ON_ONCE(a < b);", "lockdep_assert_held(&a->b);",
                                  "return a;", "return sizeof(x);"])
def test_nothing_to_change(body: str) -> None:
    left_out = [text for text in mutations(source_of(body)) if "left out" not in text]
    assert not left_out


def test_a_check_is_not_left_out() -> None:
    assert not mutations(source_of("drm_WARN_ON(a->b, c != d);"))


def test_the_condition_of_a_check_is_not_negated() -> None:
    assert [text for text in mutations(source_of("if (drm_WARN_ON(a, b))\n\t\tc();"))] == \
        ["4: statement left out: c(); -> ;"]


@pytest.mark.parametrize("condition,wanted", [
    ("a", ["negated condition"]), ("!a", ["logical"]), ("a < b", ["relational", "relational"]),
    ("a && b", ["logical", "negated condition"]), ("f(a < b)", ["negated condition", "relational",
                                                                "relational"]),
])
def test_each_negation_once(condition: str, wanted: list[str]) -> None:
    found = [text.split(": ")[1] for text in mutations(source_of(f"if ({condition})\n\t\t;"))]
    assert sorted(found) == wanted


def test_lines_keep_their_numbers() -> None:
    source = source_of("g(a,\n\t  b);\n\treturn a;")
    change = changes_of(source, source.functions[0])[0]
    first, last, new = changed_lines(source, change)
    assert (first, last) == (2, 3)
    assert new.count("\n") == 2


def test_a_patch_is_a_diff_of_the_file() -> None:
    source = source_of("return a + 1;")
    change = changes_of(source, source.functions[0])[0]
    assert diff(source, *changed_lines(source, change)) == (
        "--- a/x.c\n+++ b/x.c\n@@ -1,4 +1,4 @@\n int f(int a)\n {\n-\treturn a + 1;\n"
        "+\treturn a - 1;\n }\n")
