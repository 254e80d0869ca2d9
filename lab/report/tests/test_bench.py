# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""What is made of the benchmarks of several boots: rows, goals, the table, the curves."""

from __future__ import annotations

from typing import Any

import pytest

from report import bench, curves
from report.bench import GIB, MIB, TIB, Json


def point(operation: str, size: int, count: int, ns: list[int], peak: int = 0) -> Json:
    memory = [{"peak_kernel": peak, "peak_tables": 0, "kept_tables": 2}] if peak else []
    return {
        "operation": operation,
        "size": size,
        "count": count,
        "status": "measured",
        "reason": "",
        "ns": ns,
        "memory": memory,
    }


def unmeasured(operation: str, size: int, status: str, reason: str, ns: list[int]) -> Json:
    return point(operation, size, 1, ns) | {"status": status, "reason": reason}


def boot(driver: str, points: list[Json]) -> Json:
    about = {"kernel": "7.3.4", "machine": "x", "driver": "1.9.0", "dummy": "huge"}
    results: dict[str, Any] = about | {"memory": 1024 * MIB, "points": points}
    return {"driver": driver, "reports": [f"words of {driver}"], "results": results}


def restores(step_ns: int, counts: tuple[int, ...] = (1024, 2048, 4096, 8192, 16384, 32768, 65536)) -> list[Json]:
    return [point("restore-vmas", MIB, n, [n * step_ns, n * step_ns * 2]) for n in counts]


def healthy() -> list[Json]:
    """Both drivers; the patched one reaches all goals."""
    stock = [
        point("bind", 512 * GIB, 1, [10**9], 1000 * MIB),
        unmeasured("bind", TIB, "refused", "ENOMEM", [10**6]),
        *restores(10**5),
    ]
    patched = [
        point("bind", 512 * GIB, 1, [10**7], 2 * MIB),
        point("bind", TIB, 1, [2 * 10**7], 4 * MIB),
        unmeasured("bind", 128 * TIB, "refused", "ENOMEM", [10**6]),
        *restores(10**3),
    ]
    return [boot("stock", stock), boot("patched", patched)]


def verdicts(boots: list[Json], patches: int = 3) -> list[str]:
    return [goal["verdict"] for goal in bench.compare(boots, patches)["goals"]]


def test_all_goals_met() -> None:
    comparison = bench.compare(healthy(), 3)
    assert [goal["verdict"] for goal in comparison["goals"]] == ["met"] * 5
    assert comparison["goals"][0]["got"] == "250 times"
    assert comparison["goals"][0]["note"] == "stock: 512 GiB, the largest that it binds"
    assert comparison["goals"][1]["got"] == "50 times"
    assert bench.statuses(comparison) == []


@pytest.mark.parametrize(
    ("goal", "change"),
    [
        (0, {"size": TIB, "memory": [{"peak_kernel": 20 * MIB, "peak_tables": 0, "kept_tables": 2}]}),
        (1, {"size": TIB, "ns": [2 * 10**8]}),
        (2, {"size": 128 * TIB, "ns": [2 * 10**9]}),
        (3, {"count": 16384, "ns": [10**8]}),
        (4, {"count": 32768, "ns": [10**8]}),
    ],
)
def test_a_goal_is_missed(goal: int, change: Json) -> None:
    boots = healthy()
    where = "size" if "size" in change else "count"
    for one in boots[1]["results"]["points"]:
        if one[where] == change[where]:
            one.update(change)
    comparison = bench.compare(boots, 3)
    assert comparison["goals"][goal]["verdict"] == "missed"
    assert bench.statuses(comparison) == [1]


def test_no_patches_to_judge() -> None:
    assert verdicts(healthy(), 0) == ["not judged"] * 5


def test_one_driver_only() -> None:
    comparison = bench.compare(healthy()[1:], 3)
    assert bench.statuses(comparison) == [3]
    assert comparison["boards"]["stock"] is None


def test_no_results() -> None:
    comparison = bench.compare([], 3)
    assert bench.statuses(comparison) == [3]
    assert bench.table(comparison)[-1] == "no results"


def test_two_boots_are_one_row() -> None:
    boots = [boot("stock", [point("bind", MIB, 1, ns)]) for ns in ([1, 5], [3, 7])]
    (row,) = bench.compare(boots, 3)["rows"]
    assert row["stock"]["ns"] == {"min": 1, "median": 4, "max": 7, "count": 4}
    assert row["patched"]["status"] == "missing"


def test_table() -> None:
    lines = bench.table(bench.compare(healthy(), 1))
    assert "bind" in lines[2] and "512 GiB" in lines[2]
    assert lines[2].split()[-4:] == ["100", "1024000", "2048", "500"]
    assert any(line.startswith("stock: bind of 1 TiB refused: ENOMEM") for line in lines)
    assert lines[-1].endswith("1 patch; boots: 1 stock, 1 patched")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.04, "0"), (1.26, "1.3"), (12.0, "12"), (99.96, "100"), (1234.5, "1234")],
)
def test_number(value: float | None, text: str) -> None:
    assert bench.number(value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(123456789, "123"), (12345678, "12.3"), (1234567, "1.23"), (12345, "0.012"), (2e6, "2")],
)
def test_milliseconds(ns: float, text: str) -> None:
    assert bench.milliseconds(ns) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(TIB, "1 TiB"), (3 * GIB, "3 GiB"), (2 * MIB, "2 MiB"), (4096, "4 KiB"), (8, "8 B")],
)
def test_size_label(size: int, text: str) -> None:
    assert bench.size_label(size) == text


def test_curves() -> None:
    drawn = curves.charts(bench.compare(healthy(), 3))
    assert [svg.split("<title>")[1].split("<")[0] for svg in drawn] == [
        "Sparse bind: time by range",
        "Sparse bind: kernel memory in use during the call, by range",
        "Restore after eviction: time by number of VMAs",
    ]
    restore = drawn[2]
    assert restore.count("<polyline") == 2 and restore.count('class="whisker"') == 14


def test_one_place_makes_no_curve() -> None:
    assert curves.charts(bench.compare([boot("stock", [point("bind", MIB, 1, [5])])], 3)) == []
