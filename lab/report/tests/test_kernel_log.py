# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The kernel log, results.json and metadata.json, from made-up files of a guest."""

from __future__ import annotations

import json
import pathlib

import pytest

from report import __main__ as main
from report import kernel_log

LOG = """4,7,1500000,-;WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2
 SUBSYSTEM=pci
6,8,12000042,-;two;words
4,9,12000043,-;BUG: claimed by a subtest
4,10,12
"""


def run(*words: str) -> None:
    args = main.options().parse_args(list(words))
    args.run(args)


def test_records() -> None:
    assert [record.line for record in kernel_log.records(LOG)] == [
        "[    1.500000] <4> WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2",
        "[   12.000042] <6> two;words",
        "[   12.000043] <4> BUG: claimed by a subtest",
    ]


def test_folder(tmp_path: pathlib.Path) -> None:
    for folder in ("guest", "igt/0"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "guest" / "kmsg").write_text(LOG, encoding="utf-8")
    (tmp_path / "igt" / "0" / "dmesg.txt").write_text(LOG.splitlines()[3] + "\n", encoding="utf-8")
    run("kernel-log", str(tmp_path), "--reports", str(tmp_path / "reports"))
    assert len((tmp_path / "kernel.log").read_text(encoding="utf-8").splitlines()) == 3
    assert (tmp_path / "reports").read_text(encoding="utf-8") == (
        "[    1.500000] <4> WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2\n"
    )


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ('{"name": "n", "tests": {"a": {}}}', {"a": {}}),
        ('{"tests": {"a"', {}),
        ('{"name": "n"}', {}),
        ("[]", {}),
        (None, {}),
    ],
)
def test_collected(tmp_path: pathlib.Path, text: str | None, tests: dict[str, object]) -> None:
    if text is not None:
        (tmp_path / "igt.json").write_text(text, encoding="utf-8")
    run("collected", str(tmp_path / "igt.json"), str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["tests"] == tests


def test_metadata(tmp_path: pathlib.Path) -> None:
    words = ["--text", "tlb", "keep", "--flag", "stock", "1", "--flag", "kunit", "0"]
    words += ["--number", "cpu_page", "4096", "--list", "globs", "!a\n\nb*\n", "--list", "params", ""]
    run("metadata", str(tmp_path / "m.json"), *words)
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8")) == {
        "tlb": "keep",
        "stock": True,
        "kunit": False,
        "cpu_page": 4096,
        "globs": ["!a", "b*"],
        "params": [],
    }
