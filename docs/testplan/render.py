# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Writes a document as reStructuredText or as HTML.

A document is a list of items: ("heading", level, text, anchor), ("text", text), ("fields",
[(name, [value, ...])]) and ("table", [header, ...], [[cell, ...], ...]). A value or cell is text,
or a Link to an anchor.
"""

import html
from typing import Any, Callable, Union

UNDERLINES = "=-~"

STYLE = """
body { max-width: 62em; margin: 2em auto; padding: 0 1em; font: 16px/1.45 sans-serif; }
h2 { margin-top: 2.5em; border-bottom: 1px solid #bbb; }
h3 { margin-bottom: .3em; font-family: monospace; }
dl { display: grid; grid-template-columns: 9em auto; gap: .1em 1em; margin: 0; }
dt { color: #555; }
dd { margin: 0; }
table { border-collapse: collapse; }
th, td { padding: .2em .8em .2em 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid #bbb; }
"""


class Link:
    """Text that leads to an anchor."""

    def __init__(self, text: str, anchor: str) -> None:
        self.text = text
        self.anchor = anchor


Cell = Union[str, Link]
Fields = list[tuple[str, list[Cell]]]


def rst_cell(value: Cell) -> str:
    if isinstance(value, Link):
        return f"`{value.text} <{value.anchor}_>`__"
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")


def rst_fields(fields: Fields) -> list[str]:
    lines = []
    for name, values in fields:
        lines.append(f":{name}:")
        if len(values) == 1:
            lines[-1] += " " + rst_cell(values[0])
        else:
            lines += [f"  * {rst_cell(value)}" for value in values]
    return lines


def rst_table(header: list[Cell], rows: list[list[Cell]]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [header] + rows:
        lines += [("   * - " if not i else "     - ") + rst_cell(cell)
                  for i, cell in enumerate(row)]
    return lines


def rst_heading(level: int, text: str, anchor: str) -> list[str]:
    lines = [f".. _{anchor}:", ""] if anchor else []
    return lines + [text, UNDERLINES[level - 1] * len(text)]


def rst(items: list[Any]) -> str:
    """The document as reStructuredText."""
    writers: dict[str, Callable[..., list[str]]] = {
        "heading": rst_heading, "text": lambda text: [rst_cell(text)],
        "fields": rst_fields, "table": rst_table}
    lines = []
    for kind, *values in items:
        lines += writers[kind](*values) + [""]
    return "\n".join(lines)


def html_cell(value: Cell) -> str:
    if isinstance(value, Link):
        return f'<a href="#{html.escape(value.anchor)}">{html.escape(value.text)}</a>'
    return html.escape(value)


def html_fields(fields: Fields) -> list[str]:
    lines = ["<dl>"]
    for name, values in fields:
        lines.append(f"<dt>{html_cell(name)}</dt>")
        lines.append("<dd>" + "<br>".join(html_cell(value) for value in values) + "</dd>")
    return lines + ["</dl>"]


def html_row(tag: str, cells: list[Cell]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html_cell(cell)}</{tag}>" for cell in cells) + "</tr>"


def html_table(header: list[Cell], rows: list[list[Cell]]) -> list[str]:
    return (["<table>", "<thead>" + html_row("th", header) + "</thead>", "<tbody>"] +
            [html_row("td", row) for row in rows] + ["</tbody>", "</table>"])


def html_heading(level: int, text: str, anchor: str) -> list[str]:
    identity = f' id="{html.escape(anchor)}"' if anchor else ""
    return [f"<h{level}{identity}>{html.escape(text)}</h{level}>"]


def page(items: list[Any]) -> str:
    """The document as a page of HTML."""
    writers: dict[str, Callable[..., list[str]]] = {
        "heading": html_heading, "text": lambda text: [f"<p>{html_cell(text)}</p>"],
        "fields": html_fields, "table": html_table}
    title = html.escape(next(item[2] for item in items if item[0] == "heading"))
    lines = ['<!DOCTYPE html>', '<html lang="en">', '<head>', '<meta charset="utf-8">',
             f"<title>{title}</title>", f"<style>{STYLE}</style>", "</head>", "<body>"]
    for kind, *values in items:
        lines += writers[kind](*values)
    return "\n".join(lines + ["</body>", "</html>", ""])
