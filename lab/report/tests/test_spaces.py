# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Pictures of address spaces on the page, with programs in the place of panthor_vmas."""

from __future__ import annotations

import pathlib
import re

import pytest

from report import page, spaces
from report.verdicts import Kind, Verdict

SAMPLES = pathlib.Path(__file__).parents[3] / "tools" / "tests" / "samples"

PART = "address spaces of {0}: begin\nfault: 0x1000\ngpuvas: words of {0}\naddress spaces of {0}: end\n"

SVG = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1">
<defs><g id="glyph-0-0"><path d="M 1.23456 7.0 L 2.125 0.5"/></g><clipPath id="c"/></defs>
<g clip-path="url(#c)"><use xlink:href="#glyph-0-0" x="3.98765"/></g></svg>
"""


def program(path: pathlib.Path, text: str) -> pathlib.Path:
    """A program that takes the place of panthor_vmas."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def drawer(path: pathlib.Path) -> pathlib.Path:
    """A program that draws always, and keeps what it was given."""
    (path / "svg").write_text(SVG, encoding="utf-8")
    return program(path / "vmas", f'echo "$@" >{path}/args; cat >{path}/in; cat {path}/svg')


def test_parts_of_a_subtest_and_its_rows() -> None:
    out = (
        PART.format("before")
        + "Starting subtest: evict-remap\n"
        + PART.format("evict-remap@first")
        + "words\n"
        + PART.format("evict-remap@second")
        + PART.format("evict-remap-more")
    )
    found = spaces.parts(out, "evict-remap")
    assert list(found) == ["evict-remap@first", "evict-remap@second"]
    assert found["evict-remap@first"] == PART.format("evict-remap@first")
    assert not spaces.parts(out, "evict")


def test_a_part_that_is_cut_is_none() -> None:
    cut = PART.format("a").rsplit("address", 1)[0]
    assert not spaces.parts(cut, "a")
    [picture] = spaces.Album(pathlib.Path("/nowhere")).pictures(cut, "a")
    assert picture.why == "what the subtest has printed of them is cut"


def test_the_log_of_a_subtest_has_its_part() -> None:
    out = (SAMPLES / "evict-remap.log").read_text(encoding="utf-8")
    assert list(spaces.parts(out, "evict-remap")) == ["evict-remap"]


def test_inline_makes_ids_unique() -> None:
    svg = spaces.inline(SVG, "p7-")
    assert svg.startswith("<svg")
    assert re.findall(r'id="([^"]*)"', svg) == ["p7-glyph-0-0", "p7-c"]
    assert 'href="#p7-glyph-0-0"' in svg and "url(#p7-c)" in svg
    assert "M 1.23 7.0 L 2.12 0.5" in svg and 'x="3.98"' in svg


def test_a_picture_is_drawn_from_the_part(tmp_path: pathlib.Path) -> None:
    album = spaces.Album(drawer(tmp_path))
    [picture] = album.pictures("noise\n" + PART.format("a"), "a")
    assert picture.svg and not picture.why
    assert (tmp_path / "args").read_text() == "--log - --subtest a --format svg\n"
    assert (tmp_path / "in").read_text() == PART.format("a")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo 'panthor_vmas: gpuvas has no table' >&2; exit 2", "gpuvas has no table"),
        ("exit 3", "status 3"),
        ("kill -9 $$", "status -9"),
        ("echo no picture", "status 0"),
    ],
)
def test_why_there_is_no_picture(tmp_path: pathlib.Path, text: str, why: str) -> None:
    album = spaces.Album(program(tmp_path / "vmas", text))
    [picture] = album.pictures(PART.format("a"), "a")
    assert not picture.svg and why in picture.why


def test_why_without_the_program() -> None:
    [picture] = spaces.Album(pathlib.Path("/nowhere/vmas")).pictures(PART.format("a"), "a")
    assert "no cairo" in picture.why


def test_a_picture_that_takes_too_long(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spaces, "TOOL_SECONDS", 0.1)
    album = spaces.Album(program(tmp_path / "vmas", "exec sleep 5"))
    [picture] = album.pictures(PART.format("a"), "a")
    assert "timed out" in picture.why


def test_why_the_subtest_printed_nothing() -> None:
    album = spaces.Album(pathlib.Path("/nowhere"))
    told = "address spaces are not shown: debugfs of the device: No such file or directory\n"
    assert album.pictures(told, "a")[0].why.endswith("them: debugfs of the device: No such file or directory")
    assert "printed none" in album.pictures("", "a")[0].why


def test_the_number_of_pictures_is_limited(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spaces, "PICTURES_OF_PAGE", 3)
    album = spaces.Album(drawer(tmp_path))
    rows = "".join(PART.format(f"a@{row}") for row in range(5))
    assert [bool(picture.svg) for picture in album.pictures(rows, "a")] == [True, True]
    assert [bool(picture.svg) for picture in album.pictures(rows, "a")] == [True, False]


def run_of(test: str, tool: pathlib.Path | None) -> page.Run:
    """A run in which two subtests failed."""
    names = [f"igt@panthor/{test}@{name}" for name in ("a", "b")]
    return page.Run(
        1,
        verdicts=[Verdict(name, "fail", Kind.FAIL, 1.0, ["words"]) for name in names],
        tests={name: {"out": PART.format(name[-1])} for name in names},
        vmas=tool,
    )


def test_the_page_has_pictures(tmp_path: pathlib.Path) -> None:
    html = page.page(run_of("panthor_vm_sparse_evict", drawer(tmp_path)))
    ids = re.findall(r' id="([^"]*)"', html)
    assert html.count("<figure") == 2 and len(ids) == len(set(ids))


def test_the_page_says_why_it_has_none(tmp_path: pathlib.Path) -> None:
    tool = program(tmp_path / "vmas", "echo 'panthor_vmas: <no>' >&2; exit 2")
    html = page.page(run_of("panthor_vm_sparse_evict", tool))
    assert html.count("No picture of the address space of ") == 2 and "&lt;no&gt;" in html


def test_tests_of_others_and_pages_without_the_program_miss_none(tmp_path: pathlib.Path) -> None:
    for html in (
        page.page(run_of("panthor_vm", drawer(tmp_path))),
        page.page(run_of("panthor_vm_sparse", None)),
    ):
        assert "<figure" not in html and "No picture" not in html
