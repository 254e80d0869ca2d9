# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""results.html: one file without references to others, for a desk, a phone and paper."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import jinja2
from markupsafe import Markup

from report import bench, curves, repeat, spaces
from report.defects import Matrix
from report.plan import Planned
from report.text import is_single, name_of, shown
from report.verdicts import FAILURES, Kind, UNEXPECTED, Verdict

MEANING = {
    0: "no unexpected result",
    1: "failures",
    2: "usage or set-up error",
    3: "nothing ran, or everything was skipped",
    4: "a build failed",
    5: "the guest or the model died",
    6: "a deadline passed",
    7: "an expectation is stale",
    8: "a defect survived",
}

TEMPLATES = pathlib.Path(__file__).parent / "templates"

# Lines of a kernel log that are quoted.
KERNEL_LINES = 40
REPORT_LINES = 100

# Groups of more subtests are closed, if nothing in them is unexpected.
OPEN_GROUP = 12


@dataclasses.dataclass
class Run:
    """What ./run has made; empty where this run made none."""

    status: int
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    tests: dict[str, Any] = dataclasses.field(default_factory=dict)
    bench: dict[str, Any] | None = None
    # The program that draws address spaces; without it, no picture is missed.
    vmas: pathlib.Path | None = None
    plan: dict[str, Planned] = dataclasses.field(default_factory=dict)
    times: str = ""
    log: list[str] = dataclasses.field(default_factory=list)
    reports: list[str] = dataclasses.field(default_factory=list)


def tone(kind: str) -> str:
    """The class of a kind of verdict."""
    if kind == Kind.PASS.value:
        return "good"
    return "bad" if Kind(kind) in UNEXPECTED else "odd"


def planned(run: Run, verdict: Verdict) -> Planned | None:
    """What the plan says of a subtest."""
    return run.plan.get(f"{verdict.test.rsplit('/', 1)[-1]}@{verdict.subtest}")


def _pictures(
    album: spaces.Album, verdict: Verdict, own: dict[str, Any]
) -> list[dict[str, Any]]:
    """Of the address spaces of a subtest that ran and failed."""
    ran = verdict.kind in FAILURES and verdict.kind is not Kind.MISSING
    if not ran or not spaces.is_shown_by(verdict.test):
        return []
    return [
        {"name": picture.name, "svg": Markup(picture.svg), "why": picture.why}
        for picture in album.pictures(str(own.get("out") or ""), verdict.subtest)
    ]


def _failures(run: Run, single: bool) -> list[dict[str, Any]]:
    failures = []
    album = spaces.Album(run.vmas)
    for verdict in run.verdicts:
        if not verdict.unexpected:
            continue
        own = run.tests.get(verdict.id.lower()) or {}
        kernel = [line for line in (own.get("dmesg") or "").split("\n") if line.strip()]
        failures.append(
            {
                "verdict": verdict,
                "name": name_of(verdict, single),
                "shown": shown(verdict),
                "plan": planned(run, verdict),
                "command": repeat.command(run.metadata, verdict),
                "kernel": kernel[-KERNEL_LINES:],
                "pictures": _pictures(album, verdict, own),
            }
        )
    return failures


def _groups(run: Run, single: bool) -> list[dict[str, Any]]:
    """Subtests by the group of their plan, or by their test."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for verdict in run.verdicts:
        plan = planned(run, verdict)
        group = f"{plan.group}-*" if plan and plan.group else verdict.test
        row = {"name": name_of(verdict, single), "verdict": verdict, "shown": shown(verdict)}
        groups.setdefault(group, []).append(row | {"plan": plan})
    return [
        {
            "name": name,
            "rows": rows,
            "about": rows[0]["plan"].failure_mode if rows[0]["plan"] else "",
            "open": len(rows) <= OPEN_GROUP or any(row["verdict"].unexpected for row in rows),
        }
        for name, rows in groups.items()
    ]


def _bench_rows(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    def side(data: dict[str, Any]) -> dict[str, Any]:
        times = []
        if bench.measured(data):
            times = [bench.milliseconds(data["ns"][name]) for name in ("min", "median", "max")]
        why = data["status"] + (f": {data['reason']}" if data["reason"] else "")
        memory = "" if data["peak"] is None else bench.number(data["peak"] / bench.KIB)
        tables = "" if data["tables"] is None else f"{data['tables']['median']:.0f}"
        return {"times": times, "why": why, "memory": memory, "tables": tables}

    return [
        {
            "operation": row["operation"],
            "label": bench.row_label(row),
            "sides": [side(row["stock"]), side(row["patched"])],
            "time_ratio": bench.number(row["time_ratio"]),
            "memory_ratio": bench.number(row["memory_ratio"]),
        }
        for row in comparison["rows"]
    ]


def render(template: str, **values: Any) -> str:
    """A page of a template, with the style and the script that all have."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    parts = {
        name.replace("page.", ""): Markup((TEMPLATES / name).read_text(encoding="utf-8"))
        for name in ("page.css", "page.js")
    }
    html: str = environment.get_template(template).render(**parts, **values)
    return html


def matrix(catches: Matrix) -> str:
    """The matrix of ./check: defects and groups of subtests."""

    def cells(defect: str) -> list[dict[str, str]]:
        made = []
        for group in catches.groups:
            text = catches.cell(defect, group, exclusive=False)
            looked, count = catches.looked[defect].get(group, 0), catches.caught[defect].get(group, 0)
            made.append({"text": text, "tone": "" if not looked else "good" if count else "odd"})
        return made

    rows = [
        {"name": defect, "cells": cells(defect), "caught": any(catches.caught[defect].values())}
        for defect in catches.defects
    ]
    return render("matrix.html.j2", groups=catches.groups, rows=rows)


def page(run: Run) -> str:
    """The page."""
    meaning = MEANING.get(run.status, "unknown")
    kinds = [verdict.kind for verdict in run.verdicts]
    single = is_single(run.verdicts)
    patches = ", ".join(name.rsplit("/", 1)[-1] for name in run.metadata.get("patches", []))
    board: dict[str, Any] = {name: "" for name in ("kernel", "kernel_source", "tlb", "accel", "igt", "qemu", "started")}
    board |= {"params": [], "globs": [], "multiple_mode": False} | run.metadata
    return render(
        "page.html.j2",
        heading=f"panthor on the virtual board: {meaning}",
        meaning=meaning,
        status=run.status,
        board=board,
        patches=patches,
        times=run.times,
        tone=tone,
        verdicts=run.verdicts,
        counts=[(kind.value, kinds.count(kind)) for kind in Kind if kind in kinds],
        failures=_failures(run, single),
        groups=_groups(run, single),
        reports=run.reports[:REPORT_LINES],
        last_lines=run.log[-KERNEL_LINES:] if run.status in (5, 6) else [],
        bench=run.bench,
        bench_line=bench.board_line(run.bench) if run.bench else "",
        bench_rows=_bench_rows(run.bench) if run.bench else [],
        charts=[Markup(svg) for svg in curves.charts(run.bench)] if run.bench else [],
    )
