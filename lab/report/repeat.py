# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Commands that repeat a subtest, or a whole run, on the board that it ran on, from metadata.json."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Mapping
from typing import Any

from report.verdicts import Verdict

# Entries of metadata.json, the options that they are the values of, and the values that need no option.
VALUES = (
    ("arch", "--arch", "x86-64"),
    ("pages", "--pages", ""),
    ("client", "--client", ""),
    ("mesa", "--mesa", ""),
    ("kernel_given", "--kernel", ""),
    ("without", "--without", ""),
    ("until", "--until", ""),
    ("tlb", "--tlb", "keep"),
    ("rules", "--rules", "fail"),
    ("seed", "--seed", "1"),
    ("operations", "--operations", ""),
    ("linked_with", "--igt", "libigt"),
)
LISTS = (("patches_added", "--patch"), ("params", "--param"))
FLAGS = (("stock", "--stock"), ("sanitize", "--sanitize"))
# Those that matter for a whole run only.
RUN_FLAGS = (
    ("kunit", "--kunit"),
    ("coverage", "--coverage"),
    ("multiple_mode", "--multiple-mode"),
    ("fail_fast", "--fail-fast"),
    ("no_skips", "--no-skips"),
)


class NoReplay(ValueError):
    """Why a run cannot be repeated, and what to do."""


def _options(about: Mapping[str, Any]) -> list[str]:
    """The options that make the board what it was."""
    words = [option for entry, option in FLAGS if about.get(entry)]
    for entry, option, default in VALUES:
        value = about.get(entry) or default
        if value != default:
            words += [option, str(value)]
    for entry, option in LISTS:
        for value in about.get(entry) or []:
            words += [option, value]
    if about.get("cpu_page"):
        words += ["--cpu-page", f"{about['cpu_page'] // 1024}K"]
    return words


def command(about: Mapping[str, Any], verdict: Verdict) -> str:
    """./run with the options that matter, and the subtest."""
    words = ["./run", *_options(about)]
    if verdict.test.startswith("kunit/"):
        words.append("--kunit")
    if about.get("tests"):
        words += ["--test", verdict.test.removeprefix("panthor/"), verdict.subtest]
    else:
        words.append(verdict.id.removeprefix("igt@"))
    return shlex.join(word for word in words if word)


def replay(folder: pathlib.Path, about: Mapping[str, Any], *, kernel_given: bool) -> list[str]:
    """The arguments of ./run that repeat the run of a results folder with that metadata.json. The
    patches and the test list are the copies in the folder, the kernel is that of the caller."""
    if about.get("action") != "run":
        raise NoReplay("no run of subtests is recorded there: name a results folder of ./run")
    if about.get("kernel_given") and not kernel_given:
        raise NoReplay(
            f"it ran on --kernel {about['kernel_given']}, which the folder does not hold:"
            " give --kernel, too"
        )
    given = folder / "given"
    patches = sorted(given.glob("[0-9]*-*"))
    if len(patches) != len(about.get("patches_added") or []):
        raise NoReplay("given/ lacks patches that it ran with: name a complete results folder")
    board = {**about, "kernel_given": "", "patches_added": [str(patch) for patch in patches]}
    words = _options(board)
    words += [option for entry, option in RUN_FLAGS if about.get(entry)]
    for test in about.get("tests") or []:
        words += ["--test", test]
    if (given / "test-list").is_file():
        words += ["--test-list", str(given / "test-list")]
    if about.get("shard"):
        words += ["--shard", about["shard"]]
    return [*words, *(about.get("globs") or [])]
