# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Every verdict, its reason and the exit statuses, on made-up results."""

from __future__ import annotations

import pathlib

import pytest

from report import verdicts
from report.expectations import Expectations
from report.tests.conftest import SKIPPED, Results
from report.verdicts import Kind


def kinds(results: Results, *subtests: str) -> list[Kind]:
    return [verdict.kind for verdict in results.judge(*subtests)]


def test_all_pass(results: Results) -> None:
    results.add("a", "pass")
    results.add("b", "pass")
    judged = results.judge("a", "b")
    assert [verdict.kind for verdict in judged] == [Kind.PASS, Kind.PASS]
    assert [verdict.seconds for verdict in judged] == [0.25, 0.25]
    assert verdicts.statuses(judged) == []


@pytest.mark.parametrize(
    ("result", "kind", "statuses"),
    [
        ("fail", Kind.FAIL, [1]),
        ("crash", Kind.CRASH, [1]),
        ("incomplete", Kind.CRASH, [1]),
        ("abort", Kind.FAIL, [1]),
        ("dmesg-warn", Kind.FAIL, [1]),
        ("dmesg-fail", Kind.FAIL, [1]),
        ("warn", Kind.FAIL, [1]),
        ("timeout", Kind.TIMEOUT, [1, 6]),
    ],
)
def test_one_bad(results: Results, result: str, kind: Kind, statuses: list[int]) -> None:
    results.add("a", "pass")
    results.add("b", result, "", "[1.5] (t:7) CRITICAL: Test assertion failure function f")
    good, bad = results.judge("a", "b")
    assert (good.kind, bad.kind) == (Kind.PASS, kind)
    assert bad.reason == ["Test assertion failure function f"]
    assert verdicts.statuses([good, bad]) == statuses


def test_not_run(results: Results) -> None:
    results.add("a", "pass")
    judged = results.judge("a", "b")
    assert (judged[1].kind, judged[1].reason) == (Kind.MISSING, ["did not run"])
    assert verdicts.statuses(judged) == [1]


def test_nothing_passed(results: Results) -> None:
    results.add("a", "skip", SKIPPED)
    assert verdicts.statuses(results.judge("a")) == [3]


def test_reason_of_an_assertion_is_quoted_once(results: Results) -> None:
    words = "[1.5] (t:7) t-CRITICAL: Failed assertion: a == b"
    place = "[1.5] (t:7) CRITICAL: Assertion failure in f, file ../../lib/x.c:3:"
    results.add("a", "fail", "", f"{place}\n{words}\n**** DEBUG ****\n{words}")
    (verdict,) = results.judge("a")
    assert verdict.reason == [
        "Assertion failure in f, file lib/x.c:3:",
        "Failed assertion: a == b",
    ]


def test_reason_without_an_assertion_is_the_end(results: Results) -> None:
    results.add("a", "crash", "", "\n".join("1234567"))
    assert results.judge("a")[0].reason == list("34567")


def test_reason_of_a_kernel_warning(results: Results) -> None:
    log = "<4> [1.5] Modules linked in: x\nmore\n<4> [1.5] WARNING: at f\n"
    results.add("a", "dmesg-warn", **{"dmesg-warnings": log})
    assert results.judge("a")[0].reason == ["<4> [1.5] WARNING: at f"]


def test_skip_says_why(results: Results) -> None:
    results.add("a", "skip", SKIPPED)
    (verdict,) = results.judge("a")
    assert verdict.kind is Kind.SKIP
    assert verdict.reason == ["Test requirement: !(fd<0)", "no such feature"]


def test_silent_skip_fails(results: Results) -> None:
    results.add("a", "skip", "Subtest a: SKIP (0.00s)")
    (verdict,) = results.judge("a")
    assert (verdict.kind, verdict.reason) == (Kind.FAIL, ["skipped without saying why"])


def test_names_in_capitals(results: Results) -> None:
    """igt_runner lowers them."""
    results.add("big", "pass")
    assert kinds(results, "Big") == [Kind.PASS]


def test_results_that_nobody_asked_for(results: Results) -> None:
    results.add("a", "pass")
    results.add("other", "fail")
    assert kinds(results, "a") == [Kind.PASS]


# -------------------------------------------------------------------------------------------------
# Rows


def test_rows_that_fail_and_skip_are_named(results: Results) -> None:
    results.add("b", "fail", "", "CRITICAL: words of 64k\nCRITICAL: words of 1m")
    results.row("b", "4k", "pass")
    results.row("b", "64k", "fail", "words of 64k")
    results.row("b", "2m", "skip", "no such page")
    results.row("b", "1m", "fail", "words of 1m")
    (verdict,) = results.judge("b")
    assert verdict.reason == [
        "row 64k: fail",
        "  words of 64k",
        "row 1m: fail",
        "  words of 1m",
        "row 2m: skip",
        "  no such page",
    ]
    assert verdict.to_json()["rows"][2] == {"name": "2m", "result": "skip"}


def test_rows_of_another_subtest(results: Results) -> None:
    results.add("a", "pass")
    results.row("ab", "one", "fail")
    assert results.judge("a")[0].rows == []


def test_all_rows_skip(results: Results) -> None:
    results.add("b", "skip", "Starting subtest: b\nwords of rows\nSubtest b: SKIP (0.01s)")
    results.row("b", "one", "skip", "no first thing")
    (verdict,) = results.judge("b")
    assert verdict.kind is Kind.SKIP
    assert verdict.reason == ["row one: skip", "  no first thing"]


def test_no_rows_at_all(results: Results) -> None:
    text = "Starting subtest: b\nNo dynamic tests executed.\nSubtest b: SKIP (0.01s)"
    results.add("b", "skip", text)
    assert results.judge("b")[0].reason == ["No dynamic tests executed."]


def test_row_that_skips_silently_fails(results: Results) -> None:
    results.add("a", "pass")
    results.row("a", "one", "skip")
    (verdict,) = results.judge("a")
    assert verdict.kind is Kind.FAIL
    assert verdict.reason == ["row one: skip", "  skipped without saying why"]


@pytest.mark.parametrize("result", ["fail", "dmesg-warn"])
def test_row_that_fails_in_a_subtest_that_passes(results: Results, result: str) -> None:
    results.add("a", "pass")
    results.row("a", "one", result, "words of one")
    assert kinds(results, "a") == [Kind.FAIL]


def test_subtest_that_fails_outside_of_its_rows(results: Results) -> None:
    results.add("a", "crash", "", "Received signal SIGSEGV.")
    results.row("a", "one", "pass")
    assert results.judge("a")[0].reason == ["Received signal SIGSEGV."]


def test_many_rows_fail(results: Results) -> None:
    results.add("a", "fail", "", "CRITICAL: many")
    for n in range(1, 9):
        results.row("a", f"r{n}", "fail", f"words of r{n}")
    results.row("a", "s", "skip", "no s")
    reason = results.judge("a")[0].reason
    assert "  words of r6" in reason and "  words of r7" not in reason
    assert reason[-1] == "3 more: r7 fail, r8 fail, s skip"


# -------------------------------------------------------------------------------------------------
# Expectations


def test_expected_failure(results: Results) -> None:
    results.add("a", "pass")
    results.add("b", "fail")
    results.fails = "# the driver forgets b\npanthor/t@b,Fail"
    judged = results.judge("a", "b")
    assert judged[1].kind is Kind.EXPECTED_FAIL
    assert judged[1].reason == ["expected: the driver forgets b"]
    assert verdicts.statuses(judged) == []


def test_expected_failures_are_named_in_full(results: Results) -> None:
    results.add("b", "fail")
    results.fails = "panthor/t@b-c,Fail\npanthor/t@.*,Fail"
    assert kinds(results, "b") == [Kind.FAIL]


def test_unexpected_pass(results: Results) -> None:
    results.add("b", "pass")
    results.fails = "panthor/t@b,Fail"
    judged = results.judge("b")
    assert judged[0].kind is Kind.UNEXPECTED_PASS
    assert verdicts.statuses(judged) == [7]


@pytest.mark.parametrize(("result", "kind"), [("fail", Kind.FLAKE), ("pass", Kind.PASS)])
def test_flake(results: Results, result: str, kind: Kind) -> None:
    results.add("b", result)
    results.flakes = "# one run in fifty\npanthor/t@b.*"
    results.fails = "panthor/t@b,Fail" if result == "pass" else ""
    assert kinds(results, "b") == [kind]


def test_skips_file(results: Results) -> None:
    results.add("a", "pass")
    results.skips = "# takes an hour\npanthor/t@b"
    selected = [f"igt@panthor/t@{name}" for name in ("a", "b", "bc")]
    assert verdicts.planned(selected, [], results.expected) == [selected[0], selected[2]]
    left = results.judge("a", "b")[1]
    assert (left.kind, left.reason) == (Kind.LEFT_OUT, ["not run: takes an hour"])


def test_what_is_named_in_full_runs(results: Results) -> None:
    results.add("b", "fail")
    results.skips = "panthor/t@b.*"
    results.named = ["b"]
    assert kinds(results, "b", "bc") == [Kind.FAIL, Kind.LEFT_OUT]


def test_all_left_out(results: Results) -> None:
    results.skips = "panthor/t@b"
    assert verdicts.statuses(results.judge("b")) == [3]


def test_fail_fast_leaves_the_rest(results: Results) -> None:
    results.add("a", "fail", "", "words")
    results.add("b", "incomplete")
    judged = results.judge("a", "b", "c")
    verdicts.ended_early(judged, ["igt@panthor/t@a"])
    assert [verdict.kind for verdict in judged] == [Kind.FAIL, Kind.NOT_RUN, Kind.NOT_RUN]
    assert verdicts.statuses(judged) == [1, 3]


def test_json_round_trip(results: Results) -> None:
    results.add("a", "fail", "", "words")
    results.row("a", "one", "fail", "words of one")
    (verdict,) = results.judge("a")
    again = verdicts.Verdict.from_json(verdict.to_json())
    assert again.to_json() == verdict.to_json()


def test_most_special_expectations(tmp_path: pathlib.Path) -> None:
    for name in ("7-fails", "7-arm64-fails", "7-arm64-16k-fails", "7-flakes"):
        (tmp_path / f"{name}.txt").write_text(f"{name},Fail\n", encoding="utf-8")

    def read(*special: str) -> list[str]:
        expectations = Expectations.read(tmp_path, "7", special=special)
        return [entry.name for entry in expectations.fails + expectations.flakes]

    assert read() == ["7-fails", "7-flakes"]
    assert read("-arm64") == ["7-arm64-fails", "7-flakes"]
    assert read("-arm64-16k", "-arm64") == ["7-arm64-16k-fails", "7-flakes"]
    assert read("-arm64-64k", "-arm64") == ["7-arm64-fails", "7-flakes"]
