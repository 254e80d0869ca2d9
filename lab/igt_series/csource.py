# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""C files as lists of top-level items: what IGT has stays, what it lacks is added.

Kernel style is taken for granted: what begins in the first column is at the top level.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass


class Refused(Exception):
    """The tree is not what the series can be made for; the text says why."""


@dataclass(frozen=True)
class Item:
    """A function, a prototype, a type, a macro or a variable, with the comment in front of it."""

    text: str
    name: str
    """Empty for a comment that stands alone, and for what has no name."""
    blank: bool
    """A blank line is in front of it."""


def _code(text: str) -> str:
    """The text without comments, strings and characters."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, " ", text, flags=re.S)


def _name(text: str) -> str:
    code = _code(text).strip()
    if code.startswith("#"):
        macro = re.match(r"#\s*define\s+(\w+)", code)
        return macro[1] if macro else ""
    kind = re.match(r"(?:typedef\s+)?(struct|union|enum)\s+(\w+)\s*(?:\{|;)", code)
    if kind:
        return f"{kind[1]} {kind[2]}"
    call = re.match(r"[^={;]*?(\w+)\s*\(", code)
    if call:
        return call[1]
    variable = re.match(r"[^={;]*?(\w+)\s*(?:\[[^\]]*\]\s*)*(?:=|;)", code)
    return variable[1] if variable else ""


def _end_of_comment(lines: list[str], at: int) -> int:
    if lines[at].startswith("//"):
        return at + 1
    while "*/" not in lines[at]:
        at += 1
    return at + 1


def _end_of_code(lines: list[str], at: int) -> int:
    if lines[at].startswith("#"):
        while lines[at].endswith("\\"):
            at += 1
        return at + 1
    start = at
    while at < len(lines):
        code = _code("\n".join(lines[start : at + 1]))
        closed = code.count("{") == code.count("}") and code.count("(") == code.count(")")
        if closed and code.rstrip().endswith((";", "}")):
            return at + 1
        at += 1
    raise Refused(f"the item that begins with `{lines[start]}` does not end")


def split(text: str) -> list[Item]:
    lines = text.splitlines()
    items: list[Item] = []
    at, blank = 0, False
    while at < len(lines):
        if not lines[at].strip():
            at, blank = at + 1, True
            continue
        start = at
        if lines[at].startswith(("/*", "//")):
            at = _end_of_comment(lines, at)
        # A comment that no code follows directly stands alone.
        if at == start or (at < len(lines) and lines[at].strip() and lines[at][0] not in "/"):
            at = _end_of_code(lines, at)
        piece = "\n".join(lines[start:at])
        items.append(Item(piece, _name(piece), blank))
        blank = False
    return items


def join(items: Iterable[Item]) -> str:
    text = ""
    for item in items:
        text += ("\n" if item.blank and text else "") + item.text + "\n"
    return text


def names(text: str) -> set[str]:
    return {item.name for item in split(text) if item.name}


def signature(item: Item) -> str:
    """Types of a function and its arguments, without the names of the arguments."""
    head = re.split(r"[{;]", _code(item.text), maxsplit=1)[0]
    called = re.match(r"(.*?)\b(\w+)\s*\((.*)\)\s*$", head, flags=re.S)
    if not called:
        return " ".join(head.split())
    result = [word for word in called[1].split() if word not in ("static", "inline", "extern")]
    arguments = []
    for argument in called[3].split(","):
        typed = re.match(r"(.*[\s*])\w+\s*$", " ".join(argument.split()))
        arguments.append("".join((typed[1] if typed else argument).split()))
    return f"{''.join(result)} {called[2]}({','.join(arguments)})"


def add_includes(text: str, wanted: Collection[str]) -> str:
    """Adds #include lines, each with its brackets or quotes, in alphabetical order."""
    lines = text.splitlines()
    for name in sorted(wanted, reverse=True):
        if f"#include {name}" not in lines:
            _add_include(lines, name)
    return "\n".join(lines) + "\n"


def _add_include(lines: list[str], name: str) -> None:
    present = [n for n, line in enumerate(lines) if line.startswith("#include ")]
    if not present:
        raise Refused("a file without an #include line")
    alike = [n for n in present if lines[n].startswith(f"#include {name[0]}")]
    before = [n for n in alike if lines[n] < f"#include {name}"]
    if alike:
        lines.insert(before[-1] + 1 if before else alike[0], f"#include {name}")
    elif name[0] == "<":
        lines[present[0] : present[0]] = [f"#include {name}", ""]
    else:
        lines[present[-1] + 1 : present[-1] + 1] = ["", f"#include {name}"]


def remove(text: str, gone: Collection[str]) -> str:
    return join(item for item in split(text) if item.name not in gone)


def replace(text: str, by: Item) -> str:
    """Puts an item in the place of the one of its name."""
    return join(Item(by.text, by.name, item.blank) if item.name == by.name else item
                for item in split(text))


def insert_before(text: str, name: str, added: list[Item]) -> str:
    """Adds items in front of the item NAME, and at the end if there is none."""
    result: list[Item] = []
    for item in split(text):
        if item.name == name:
            result += _spaced(added)
            item = Item(item.text, item.name, True)
        result.append(item)
    return join(result) if any(item.name == name for item in result) else append(text, added)


def append(text: str, added: list[Item]) -> str:
    return join([*split(text), *_spaced(added)])


def append_to_header(text: str, added: list[Item]) -> str:
    """Adds items in front of the #endif of the header's guard."""
    items = split(text)
    if not items or not items[-1].text.startswith("#endif"):
        raise Refused("the header does not end with #endif")
    guard = Item(items[-1].text, "", True)
    return join([*items[:-1], *_spaced(added), guard])


def _spaced(items: list[Item]) -> list[Item]:
    """The items with a blank line in front of the first one."""
    return [Item(items[0].text, items[0].name, True), *items[1:]] if items else []


def check_signatures(theirs: str, ours: str) -> None:
    """Refuses functions that both have, with other arguments."""
    here = {item.name: item for item in split(ours) if "(" in _code(item.text)}
    for item in split(theirs):
        mine = here.get(item.name)
        if mine and item.name and not item.text.startswith("#") \
                and signature(item) != signature(mine):
            raise Refused(f"its {item.name}() is `{signature(item)}`, "
                          f"and the tests call `{signature(mine)}`")
