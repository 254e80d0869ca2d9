# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Curves of the benchmarks: SVG, both axes logarithmic."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from html import escape

from report.bench import DRIVERS, Json, measured, size_label

WIDTH, HEIGHT = 640, 350
LEFT, RIGHT, TOP, BOTTOM = 78, 620, 44, 300
# Between the outermost points and the frame, and from one label of the x axis to the next.
MARGIN, LABEL_ROOM = 12, 50


@dataclasses.dataclass(frozen=True)
class Point:
    """The place of a point on the x axis, its label there, and its {min, median, max}."""

    driver: str
    x: int
    label: str
    spread: Json


@dataclasses.dataclass(frozen=True)
class Tick:
    """A value of an axis and its label."""

    value: float
    label: str


@dataclasses.dataclass(frozen=True)
class Axis:
    """From values to coordinates: the logarithm of a value, between two places."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """The coordinate of a value."""
        share = math.log2(value / self.low) / math.log2(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)


TIME_TICKS = [
    Tick(10.0**i, f"{10 ** (i % 3)} {('ns', 'µs', 'ms', 's', 'ks')[i // 3]}") for i in range(13)
]
BYTE_TICKS = [Tick(2.0**i, size_label(2**i)) for i in range(8, 45, 4)]


def _ticks_around(ticks: list[Tick], low: float, high: float) -> list[Tick]:
    """The ticks around all values, two at least."""
    first = max((i for i, tick in enumerate(ticks) if tick.value <= low), default=0)
    last = min((i for i, tick in enumerate(ticks) if tick.value >= high), default=len(ticks) - 1)
    return ticks[first : max(last, first + 1) + 1]


def _text(tick: str, anchor: str, x: float, y: float) -> str:
    return f'<text class="tick" text-anchor="{anchor}" x="{x}" y="{y}">{escape(tick)}</text>'


def _line(name: str, x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="{name}" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>'


def _axes(x: Axis, y: Axis, labels: list[Tick], ticks: list[Tick]) -> list[str]:
    parts = []
    for tick in ticks:
        at = y.place(tick.value)
        parts += [_line("grid", LEFT, RIGHT, at, at), _text(tick.label, "end", LEFT - 6, at + 4)]
    free = math.inf
    for tick in reversed(labels):
        at = x.place(tick.value)
        if free - at >= LABEL_ROOM:
            free = at
            parts += [
                _line("grid", at, at, BOTTOM, BOTTOM + 5),
                _text(tick.label, "middle", at, BOTTOM + 18),
            ]
    return parts


def _marker(driver: str, x: float, y: float) -> str:
    if driver == "stock":
        return f'<circle cx="{x}" cy="{y}" r="4"/>'
    return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8"/>'


def _curve(driver: str, points: list[Point], x: Axis, y: Axis) -> list[str]:
    """The medians joined, a whisker from least to most at each."""
    places = [(x.place(point.x), y.place(point.spread["median"]), point) for point in points]
    joined = " ".join(f"{px},{py}" for px, py, _ in places)
    parts = [f'<g class="{driver}">', f'<polyline points="{joined}"/>']
    for px, py, point in places:
        whisker = y.place(point.spread["min"]), y.place(point.spread["max"])
        parts += [_line("whisker", px, px, *whisker), _marker(driver, px, py)]
    return [*parts, "</g>"]


def _legend() -> list[str]:
    parts = []
    for i, driver in enumerate(DRIVERS):
        x = LEFT + 8 + i * 110
        parts.append(f'<g class="{driver}">{_marker(driver, x, 28)}</g>')
        parts.append(f'<text class="tick" x="{x + 10}" y="32">{driver}</text>')
    return parts


def _chart(title: str, points: list[Point], ticks: list[Tick]) -> str:
    """Empty if there are not two places on the x axis."""
    labels = [Tick(x, label) for x, label in sorted({(point.x, point.label) for point in points})]
    if len(labels) < 2:
        return ""
    low = min(point.spread["min"] for point in points)
    high = max(point.spread["max"] for point in points)
    around = _ticks_around(ticks, low, high)
    x = Axis(labels[0].value, labels[-1].value, LEFT + MARGIN, RIGHT - MARGIN)
    y = Axis(around[0].value, around[-1].value, BOTTOM, TOP)
    curves = []
    for driver in DRIVERS:
        own = sorted((point for point in points if point.driver == driver), key=lambda p: p.x)
        curves += _curve(driver, own, x, y) if own else []
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}">',
            f"<title>{escape(title)}</title>",
            f'<text class="title" x="{LEFT}" y="14">{escape(title)}</text>',
            *_legend(),
            *_axes(x, y, labels, around),
            *curves,
            "</svg>",
        ]
    )


def _times(side: Json) -> Json | None:
    ns: Json | None = side["ns"]
    return ns


def _peak(side: Json) -> Json | None:
    peak = side["peak"]
    return None if peak is None else {"min": peak, "median": peak, "max": peak}


def _points(
    comparison: Json, operation: str, x: str, field: Callable[[Json], Json | None]
) -> list[Point]:
    """The points of an operation by its size or count. Logarithms begin at 1."""
    points = []
    for row in comparison["rows"]:
        for driver in DRIVERS:
            side = row[driver]
            spread = field(side) if row["operation"] == operation and measured(side) else None
            if spread and spread["median"] > 0:
                label = str(row["count"]) if x == "count" else size_label(row["size"])
                values = {name: max(spread[name], 1) for name in ("min", "median", "max")}
                points.append(Point(driver, row[x], label, values))
    return points


CHARTS = (
    ("Sparse bind: time by range", "bind", "size", _times, TIME_TICKS),
    ("Sparse bind: kernel memory in use during the call, by range", "bind", "size", _peak, BYTE_TICKS),
    ("Unbind: time by range", "unbind", "size", _times, TIME_TICKS),
    ("Restore after eviction: time by number of VMAs", "restore-vmas", "count", _times, TIME_TICKS),
    ("Restore after eviction: time by size of one range", "restore-range", "size", _times, TIME_TICKS),
    (
        "Restore after eviction: kernel memory, by size of one range",
        "restore-range",
        "size",
        _peak,
        BYTE_TICKS,
    ),
)


def charts(comparison: Json) -> list[str]:
    """An SVG element for each operation that was measured at two places or more."""
    drawn = (
        _chart(title, _points(comparison, operation, x, field), ticks)
        for title, operation, x, field, ticks in CHARTS
    )
    return [svg for svg in drawn if svg]
