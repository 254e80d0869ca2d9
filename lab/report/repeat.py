# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The command that repeats a subtest on the board that it ran on, from metadata.json."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from report.verdicts import Verdict

# Entries of metadata.json, the options that they are the values of, and the values that need no option.
VALUES = (
    ("arch", "--arch", "x86-64"),
    ("pages", "--pages", ""),
    ("kernel_given", "--kernel", ""),
    ("without", "--without", ""),
    ("until", "--until", ""),
    ("tlb", "--tlb", "keep"),
    ("seed", "--seed", "1"),
    ("operations", "--operations", ""),
    ("linked_with", "--igt", "libigt"),
)
LISTS = (("patches_added", "--patch"), ("params", "--param"))
FLAGS = (("stock", "--stock"), ("sanitize", "--sanitize"))


def command(about: Mapping[str, Any], verdict: Verdict) -> str:
    """./run with the options that matter, and the subtest."""
    words = ["./run"]
    words += [option for entry, option in FLAGS if about.get(entry)]
    for entry, option, default in VALUES:
        value = about.get(entry) or default
        if value != default:
            words += [option, str(value)]
    for entry, option in LISTS:
        for value in about.get(entry) or []:
            words += [option, value]
    if about.get("cpu_page"):
        words += ["--cpu-page", f"{about['cpu_page'] // 1024}K"]
    if verdict.test.startswith("kunit/"):
        words.append("--kunit")
    if about.get("tests"):
        words += ["--test", verdict.test.removeprefix("panthor/"), verdict.subtest]
    else:
        words.append(verdict.id.removeprefix("igt@"))
    return shlex.join(word for word in words if word)
