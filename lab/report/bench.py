# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The benchmarks of ./run --bench: a driver without its patches (stock) beside one with them (patched).

A boot is {driver, reports, results}: `driver` is stock or patched, `reports` what the kernel's log
reported, `results` what benchmarks/panthor_sparse_bind wrote. bench.json has the comparison:

    {boards: {stock, patched},    kernel, machine and so on of the first boot of each
     reports: {stock, patched},   what the kernel's log reported
     rows: [{operation, size, count, stock, patched, time_ratio, memory_ratio}],
     goals: [{name, wanted, got, verdict, note}]}

A side of a row is {status, reason, ns, peak, tables}: durations in nanoseconds and page tables kept
as {min, median, max, count}, and the most kernel memory in use that was seen, in bytes; null if there
is none. A ratio is how many times less the patched driver takes, in time by the medians. A goal's
verdict is met, missed or not judged.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Any

# JSON, which other programs write.
Json = dict[str, Any]

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
PAGE = 4096
DRIVERS = ("stock", "patched")

# The goals of the driver changes.
MEMORY_TIMES = 100
TIME_TIMES = 10
RESTORE_TIMES = 50
DOUBLING_LIMIT = 2.2
WHOLE_BOUND_NS = 10e9
WHOLE_REFUSED_NS = 1e9
RESTORE_VMAS = 16384
DOUBLING_FIRST, DOUBLING_LAST = 1024, 65536
# Stock may refuse 1 TiB. Nothing is gained by a comparison with much less.
STOCK_LEAST = 512 * GIB


# -------------------------------------------------------------------------------------------------
# Statistics


def spread(values: Iterable[float]) -> Json | None:
    """None if there are no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return {
        "min": ordered[0],
        "median": statistics.median(ordered),
        "max": ordered[-1],
        "count": len(ordered),
    }


def _peak(memory: Json) -> float:
    """Page tables are counted, the rest is a statistic that lags behind: the larger is the truth."""
    return max(memory["peak_kernel"] or 0, (memory["peak_tables"] or 0) * PAGE, 0)


def _key(point: Json) -> tuple[str, int, int]:
    return point["operation"], point["size"], point["count"]


def _side(points: list[Json], key: tuple[str, int, int]) -> Json:
    """One driver's side of a row, out of all points of all its boots."""
    same = [point for point in points if _key(point) == key]
    done = [point for point in same if point["status"] == "measured"]
    taken = done or same
    memory = [sample for point in done for sample in point["memory"]]
    return {
        "status": taken[0]["status"] if taken else "missing",
        "reason": taken[0]["reason"] if taken else "not measured",
        "ns": spread(ns for point in taken for ns in point["ns"]),
        "peak": max((_peak(sample) for sample in memory), default=None),
        "tables": spread(sample["kept_tables"] for sample in memory),
    }


def measured(side: Json) -> bool:
    """Whether a side has durations of the operation itself."""
    return side["status"] == "measured" and side["ns"] is not None


def _time_ratio(stock: Json, patched: Json) -> float | None:
    if not stock["ns"] or not patched["ns"]:
        return None
    return float(stock["ns"]["median"] / patched["ns"]["median"])


def _memory_ratio(stock: Json, patched: Json) -> float | None:
    """Less than a page is a page."""
    if stock["peak"] is None or patched["peak"] is None:
        return None
    return float(max(stock["peak"], PAGE) / max(patched["peak"], PAGE))


def _row(key: tuple[str, int, int], stock: list[Json], patched: list[Json]) -> Json:
    row: Json = dict(zip(("operation", "size", "count"), key))
    row |= {"stock": _side(stock, key), "patched": _side(patched, key)}
    both = measured(row["stock"]) and measured(row["patched"])
    row["time_ratio"] = _time_ratio(row["stock"], row["patched"]) if both else None
    row["memory_ratio"] = _memory_ratio(row["stock"], row["patched"]) if both else None
    return row


# -------------------------------------------------------------------------------------------------
# Numbers for people


def _digits(value: float, digits: int) -> str:
    """Rounded, without zeros at the end."""
    return f"{round(value, digits):.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"


def number(value: float | None) -> str:
    """Three digits; empty for None."""
    if value is None:
        return ""
    return _digits(value, 0 if value >= 100 else 1)


def milliseconds(ns: float) -> str:
    """Three digits at least."""
    ms = ns / 1e6
    return _digits(ms, 0 if ms >= 100 else 1 if ms >= 10 else 2 if ms >= 1 else 3)


def size_label(size: int) -> str:
    """A size in the largest unit of which it is a multiple, of MiB and above."""
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} B"


def row_label(row: Json) -> str:
    """The range of a row."""
    return size_label(row["size"]) + (f" x {row['count']}" if row["count"] > 1 else "")


# -------------------------------------------------------------------------------------------------
# Goals


def _goal(name: str, wanted: str, note: str = "") -> Json:
    return {"name": name, "wanted": wanted, "got": "", "verdict": "not judged", "note": note}


def _judged(goal: Json, got: str, met: bool, note: str = "") -> Json:
    return goal | {"got": got, "verdict": "met" if met else "missed", "note": note}


def _range_goal(
    rows: list[Json], what: str, times: int, ratio_of: Callable[[Json, Json], float | None]
) -> Json:
    """1 TiB with the patches against the largest range that stock can bind."""
    goal = _goal(f"{what} of a sparse bind of 1 TiB", f"{times} times less")
    binds = [row for row in rows if row["operation"] == "bind" and row["size"] <= TIB]
    whole = next((row for row in binds if row["size"] == TIB), None)
    bound = [row for row in binds if measured(row["stock"]) and row["size"] >= STOCK_LEAST]
    if whole is None:
        return goal | {"note": "1 TiB was not measured"}
    patched = whole["patched"]
    if not measured(patched):
        return _judged(goal, patched["status"], False, patched["reason"])
    if not bound:
        return goal | {"note": "stock could bind nothing of 512 GiB or more"}
    ratio = ratio_of(bound[-1]["stock"], patched)
    if ratio is None:
        return goal | {"note": "not sampled"}
    largest = bound[-1]["size"]
    note = "" if largest == TIB else f"stock: {size_label(largest)}, the largest that it binds"
    return _judged(goal, f"{number(ratio)} times", ratio >= times, note)


def _whole_goal(rows: list[Json]) -> Json:
    """Bound within seconds, or refused at once."""
    goal = _goal("sparse bind of all user addresses", "10 s at most, or refused within 1 s")
    row = next((row for row in rows if row["operation"] == "bind" and row["size"] > TIB), None)
    if row is None:
        return goal | {"note": "not measured"}
    side = row["patched"]
    if side["ns"] is None:
        return goal | {"note": f"{side['status']}: {side['reason']}"}
    longest = side["ns"]["max"]
    if measured(side):
        got, limit, note = "", WHOLE_BOUND_NS, size_label(row["size"])
    else:
        got, limit, note = "refused in ", WHOLE_REFUSED_NS, side["reason"]
    return _judged(goal, f"{got}{milliseconds(longest)} ms", longest <= limit, note)


def _restores(rows: list[Json]) -> list[Json]:
    restores = (row for row in rows if row["operation"] == "restore-vmas")
    return sorted(restores, key=lambda row: int(row["count"]))


def _restore_goal(rows: list[Json]) -> Json:
    goal = _goal(f"restore of {RESTORE_VMAS} VMAs, time", f"{RESTORE_TIMES} times less")
    row = next((row for row in _restores(rows) if row["count"] == RESTORE_VMAS), None)
    if row is None or row["time_ratio"] is None:
        return goal | {"note": "not measured on both"}
    ratio = row["time_ratio"]
    return _judged(goal, f"{number(ratio)} times", ratio >= RESTORE_TIMES)


def _linear_goal(rows: list[Json]) -> Json:
    """The worst step of all that double the number, from where it outweighs what does not depend on
    it. By the least times: what other work on the host adds grows with nothing."""
    goal = _goal("restore, time of 2N VMAs to that of N", "2.2 at most, 1024 to 65536")
    steps = [
        row for row in _restores(rows) if row["count"] >= DOUBLING_FIRST and measured(row["patched"])
    ]
    if len(steps) < 2:
        return goal | {"note": "not measured"}
    least = [step["patched"]["ns"]["min"] for step in steps]
    worst = max(range(1, len(steps)), key=lambda i: float(least[i] / least[i - 1]))
    ratio = least[worst] / least[worst - 1]
    if ratio <= DOUBLING_LIMIT and steps[-1]["count"] < DOUBLING_LAST:
        note = f"measured up to {steps[-1]['count']} only"
        return goal | {"got": _digits(ratio, 2), "note": note}
    note = f"at N = {steps[worst - 1]['count']}"
    return _judged(goal, _digits(ratio, 2), ratio <= DOUBLING_LIMIT, note)


def _goals(rows: list[Json], patches: int) -> list[Json]:
    goals = [
        _range_goal(rows, "kernel memory", MEMORY_TIMES, _memory_ratio),
        _range_goal(rows, "time", TIME_TIMES, _time_ratio),
        _whole_goal(rows),
        _restore_goal(rows),
        _linear_goal(rows),
    ]
    if patches:
        return goals
    return [goal | {"verdict": "not judged", "note": "no patches to judge"} for goal in goals]


# -------------------------------------------------------------------------------------------------


def compare(boots: list[Json], patches: int) -> Json:
    """bench.json, from the boots of both drivers and the number of patches of the second."""
    of = {driver: [boot for boot in boots if boot["driver"] == driver] for driver in DRIVERS}
    points = {
        driver: [point for boot in of[driver] for point in boot["results"]["points"]]
        for driver in DRIVERS
    }
    keys = dict.fromkeys(_key(point) for driver in DRIVERS for point in points[driver])
    rows = [_row(key, points["stock"], points["patched"]) for key in keys]
    about = ("kernel", "machine", "driver", "dummy", "memory")
    return {
        "boards": {
            driver: {name: of[driver][0]["results"][name] for name in about} if of[driver] else None
            for driver in DRIVERS
        },
        "patches": patches,
        "boots": {driver: len(of[driver]) for driver in DRIVERS},
        "reports": {
            driver: [line for boot in of[driver] for line in boot["reports"]] for driver in DRIVERS
        },
        "rows": rows,
        "goals": _goals(rows, patches),
    }


def statuses(comparison: Json) -> list[int]:
    """The exit statuses of ./run that the comparison asks for."""
    asked = []
    if any(goal["verdict"] == "missed" for goal in comparison["goals"]):
        asked.append(1)
    if not any(measured(row["stock"]) and measured(row["patched"]) for row in comparison["rows"]):
        asked.append(3)
    return asked


# -------------------------------------------------------------------------------------------------
# The table


def _times(side: Json) -> str:
    if not measured(side):
        return f"{side['status']:>27}"
    return "".join(f"{milliseconds(side['ns'][name]):>9}" for name in ("min", "median", "max"))


def _memory(side: Json) -> str:
    return f"{'' if side['peak'] is None else number(side['peak'] / KIB):>10}"


def _line(row: Json) -> str:
    sides = row["stock"], row["patched"]
    times = "".join(_times(side) for side in sides)
    memory = "".join(_memory(side) for side in sides)
    return (
        f"{row['operation']:<14}{row_label(row):>15}{times}{number(row['time_ratio']):>8}"
        f"{memory}{number(row['memory_ratio']):>8}"
    )


def _head() -> list[str]:
    columns = "".join(f"{name:>9}" for name in ("min", "median", "max") * 2)
    return [
        f"{'':29}{'stock, ms':>27}{'patched, ms':>27}{'':8}{'kernel memory, KiB':>20}",
        f"{'operation':<14}{'range':>15}{columns}{'ratio':>8}{'stock':>10}{'patched':>10}{'ratio':>8}",
    ]


def _reasons(comparison: Json, driver: str) -> list[str]:
    """An unbind that was not measured has the reason of its bind."""
    return [
        f"{driver}: {row['operation']} of {row_label(row)} {row[driver]['status']}: "
        f"{row[driver]['reason']}"
        for row in comparison["rows"]
        if row["operation"] != "unbind" and row[driver]["reason"] and not measured(row[driver])
    ]


def board_line(comparison: Json) -> str:
    """What was measured where."""
    board = comparison["boards"]["patched"] or comparison["boards"]["stock"]
    if board is None:
        return "no results"
    dummy = "one huge page" if board["dummy"] == "huge" else "small pages"
    patches = comparison["patches"]
    boots = comparison["boots"]
    return (
        f"Linux {board['kernel']}, panthor {board['driver']}, {board['memory'] / MIB:.0f} MiB, "
        f"dummy object of {dummy}, {patches} patch{'' if patches == 1 else 'es'}; "
        f"boots: {boots['stock']} stock, {boots['patched']} patched"
    )


def table(comparison: Json) -> list[str]:
    """The lines of the table."""
    rows = [_line(row) for row in comparison["rows"]]
    reasons = [line for driver in DRIVERS for line in _reasons(comparison, driver)]
    return [*_head(), *rows, "", *reasons, board_line(comparison)]


def goal_lines(comparison: Json) -> list[str]:
    """A line for each goal."""
    return [
        f"{goal['verdict']:<12}{goal['name']:<42}{goal['got']:<22}goal: {goal['wanted']}"
        + (f"; {goal['note']}" if goal["note"] else "")
        for goal in comparison["goals"]
    ]
