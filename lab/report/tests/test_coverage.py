# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Lines that ran, from made-up counts of gcov."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from mutants.lists import read_functions
from report import __main__ as main
from report import coverage

SOURCE = """int one(void)
{
	if (a)
		b();
	c();
}
int two(void)
{
	d();
}
"""

RULES = "m.c *\nm.c !three\nh.h *\n"


def record(path: pathlib.Path, lines: dict[int, tuple[str, int]]) -> dict[str, Any]:
    """What gcov says about an object of one source file."""
    names = {"one": 1, "two": 7, "three": 11}
    return {
        "files": [
            {
                "file": str(path),
                "functions": [{"name": name, "start_line": start} for name, start in names.items()],
                "lines": [
                    {"line_number": number, "function_name": name, "count": count}
                    for number, (name, count) in lines.items()
                ],
            }
        ]
    }


def test_table(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "m.c"
    source.write_text(SOURCE, encoding="utf-8")
    lines = {3: ("one", 2), 4: ("one", 0), 5: ("one", 2), 9: ("two", 0), 12: ("three", 0)}
    gcov = tmp_path / "gcov.json"
    gcov.write_text(json.dumps(record(pathlib.Path("m.c"), lines)) + "\n", encoding="utf-8")
    (tmp_path / "functions").write_text(RULES, encoding="utf-8")
    (tmp_path / "unreached").write_text("# lines\none\n\tb();\nNo\ntest.\n", encoding="utf-8")
    args = main.options().parse_args(
        ["coverage", str(gcov), "--sources", str(tmp_path), "--functions", str(tmp_path / "functions")]
        + ["--unreached", str(tmp_path / "unreached"), "--out", str(tmp_path / "out.json")]
    )
    args.run(args)
    assert capsys.readouterr().out.splitlines() == [
        "m.c                  one    2 of    3",
        "        4: b();  (No test.)",
        "m.c                  two    0 of    1",
        "        9: d();",
        "2 of 4 lines of 2 functions ran; 2 did not, 1 of them without a reason in "
        "kernel/coverage/unreached",
    ]
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))[1] == {
        "file": "m.c",
        "function": "two",
        "lines": 1,
        "unreached": [{"line": 9, "code": "d();", "reason": ""}],
    }


def test_header_of_two_objects(tmp_path: pathlib.Path) -> None:
    header = tmp_path / "h.h"
    records = [record(header, {3: ("one", count)}) for count in (0, 4)]
    text = "".join(json.dumps(one) for one in records)
    (own, *_) = coverage.functions(coverage.documents(text), read_functions("f", RULES))
    assert (own.name, own.counts, own.unreached) == ("one", {3: 4}, [])


@pytest.mark.parametrize("text", ["one\nReason.\n", "one\n\tcode();\n", "\tcode();\nReason.\n"])
def test_bad_reasons(text: str) -> None:
    with pytest.raises(coverage.UnreachedError, match="not a function, its lines, and a reason"):
        coverage.read_reasons(text)


def test_reasons_hold_for_one_function() -> None:
    own = coverage.Function("m.c", "two", 7, {9: 0})
    reasons = coverage.read_reasons("one\n\td();\nNo test.\n")
    assert coverage.unreached(own, SOURCE.splitlines(), reasons)[0].reason == ""
