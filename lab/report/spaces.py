# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Pictures of address spaces at a failure, by tools/panthor_vmas, from what the subtest has printed
(lib/igt_panthor_snapshot.c)."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess

# Pictures of a subtest, whose rows have one each, and of a page; and the largest one.
PICTURES_OF_SUBTEST = 2
PICTURES_OF_PAGE = 20
PICTURE_BYTES = 1 << 20

TOOL_SECONDS = 20


@dataclasses.dataclass
class Picture:
    """What a page shows of the address spaces of NAME, a subtest or SUBTEST@ROW: an SVG, or why there is
    none."""

    name: str
    svg: str = ""
    why: str = ""


def is_shown_by(test: str) -> bool:
    """Whether the failures of a test show address spaces: this project's do, not those of IGT."""
    return test.rsplit("/", 1)[-1].startswith("panthor_vm_sparse")


def parts(out: str, subtest: str) -> dict[str, str]:
    """The parts of the output of a test that show the address spaces of a subtest and of its rows. Its
    output may have parts of the subtest before it."""
    found = {}
    pattern = r"^address spaces of (\S+): begin\n.*?^address spaces of \1: end$"
    for part in re.finditer(pattern, out, flags=re.M | re.S):
        if part[1].split("@")[0] == subtest:
            found[part[1]] = part[0] + "\n"
    return found


def inline(svg: str, prefix: str) -> str:
    """An SVG of cairo as an element of a page: with ids that no other picture has, and without the digits
    that nobody sees."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{prefix}", svg)
    return re.sub(r"(\d\.\d\d)\d+", r"\1", svg)


def _draw(tool: pathlib.Path, name: str, part: str) -> Picture:
    command = [str(tool), "--log", "-", "--subtest", name, "--format", "svg"]
    try:
        done = subprocess.run(
            command, input=part.encode(), capture_output=True, timeout=TOOL_SECONDS, check=False
        )
    except FileNotFoundError:
        return Picture(name, why="panthor_vmas is not built: the build machine has no cairo")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Picture(name, why=f"panthor_vmas did not draw it: {error}")
    svg = done.stdout.decode(errors="replace")
    if done.returncode or "</svg>" not in svg:
        lines = done.stderr.decode(errors="replace").splitlines() or [f"status {done.returncode}"]
        return Picture(name, why=f"panthor_vmas did not draw it: {lines[-1]}")
    if len(svg) > PICTURE_BYTES:
        return Picture(name, why="the picture is larger than 1 MiB")
    return Picture(name, svg=svg)


def _missing(out: str) -> str:
    """Why the output of a subtest shows no address spaces."""
    told = re.search(r"^address spaces are not shown: (.*)$", out, flags=re.M)
    if told:
        return f"the subtest could not read them: {told[1]}"
    if re.search(r"^address spaces of \S+: begin$", out, flags=re.M):
        return "what the subtest has printed of them is cut"
    return "the subtest printed none: it had no device open, or ended without a verdict"


class Album:
    """The pictures of a page, whose number is limited."""

    def __init__(self, tool: pathlib.Path | None) -> None:
        self.tool = tool
        self.drawn = 0

    def pictures(self, out: str, subtest: str) -> list[Picture]:
        """The pictures of a subtest that failed, or one that says why there is none."""
        if self.tool is None:
            return []
        found = parts(out, subtest)
        if not found:
            return [Picture(subtest, why=_missing(out))]
        made = []
        for name, part in list(found.items())[:PICTURES_OF_SUBTEST]:
            if self.drawn >= PICTURES_OF_PAGE:
                why = f"this page has {PICTURES_OF_PAGE} pictures: panthor_vmas --log draws others"
                made.append(Picture(name, why=why))
                continue
            picture = _draw(self.tool, name, part)
            if picture.svg:
                self.drawn += 1
                picture.svg = inline(picture.svg, f"p{self.drawn}-")
            made.append(picture)
        return made
