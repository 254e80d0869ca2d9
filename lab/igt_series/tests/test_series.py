# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""C files item by item, and trees that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from igt_series import csource, series
from igt_series.csource import Refused

REPO = Path(__file__).resolve().parents[3]

CODE = """\
/* SPDX */

#include <a.h>
#include <c.h>

#include "b.h"

/* of LIMIT */
#define LIMIT \\
\t12

struct pair {
\tint left;
};

static const char * const names[] = { "{", "/*" };

/**
 * first:
 *
 * Text with a brace {.
 */
static int first(void)
{
\tif (LIMIT) {
\t\treturn '}';
\t}

\treturn 0;
}

int second(int fd,
\t   const char *name);
"""

TREE = {
    series.UAPI: f"#define {series.SPARSE} 1\n",
    series.PANTHOR_C: '#include "igt_panthor.h"\n\nuint64_t igt_panthor_get_first_core(uint64_t c)\n'
                      "{\n\treturn c;\n}\n",
    series.PANTHOR_H: "#ifndef X\n#define X\n\n#include <stdint.h>\n\n"
                      "uint64_t igt_panthor_get_first_core(uint64_t cores);\n\n#endif\n",
    series.LIB_MESON: "lib_sources = [\n\t'igt_core.c',\n\t'igt_x86.c',\n]\n",
    series.TESTS_MESON: "panthor_progs = [\n\t'panthor_vm',\n]\n",
    series.PLAN_MESON: "kms_test_config = join_paths()\ntestplans = []\n",
    "tests/panthor/panthor_vm.c": "int igt_main()\n",
}


def commits(folder: Path, **changes: str) -> list[series.Commit]:
    """The series for a tree; CHANGES are other texts of files, by their names."""
    for path, text in TREE.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = changes.get(Path(path).name.replace(".", "_"), text)
        if text:
            file.write_text(text)
    return series.Series(REPO, series.Tree(folder), None, "").make()


def test_items_are_the_whole_file() -> None:
    assert csource.join(csource.split(CODE)) == CODE
    named = [item.name for item in csource.split(CODE) if item.name]
    assert named == ["LIMIT", "struct pair", "names", "first", "second"]


def test_a_comment_belongs_to_what_follows_directly() -> None:
    items = {item.name: item.text for item in csource.split(CODE)}
    assert items["LIMIT"].startswith("/* of LIMIT */")
    assert items["first"].startswith("/**\n * first:")


def test_an_item_without_an_end() -> None:
    with pytest.raises(Refused, match="does not end"):
        csource.split("int f(void)\n{\n")


@pytest.mark.parametrize("names, line", [
    (["<b.h>"], '#include <a.h>\n#include <b.h>\n#include <c.h>\n'),
    (['"a.h"'], '#include "a.h"\n#include "b.h"\n'),
    (["<a.h>", '"b.h"'], CODE),
])
def test_includes_go_to_their_place(names: list[str], line: str) -> None:
    assert line in csource.add_includes(CODE, names)


def test_signatures_leave_out_the_names_of_arguments() -> None:
    one, other = (csource.split(text)[0] for text in (
        "static inline void *f(int fd, const char *name)\n{\n}\n", "void *f(int file, const char *x);"))
    assert csource.signature(one) == csource.signature(other)


def test_series_of_a_tree(tmp_path: Path) -> None:
    made = commits(tmp_path)
    changed = {path for commit in made for path in commit.files}
    assert {f"lib/{file.name}" for file in REPO.glob("lib/igt_*.[ch]")} <= changed
    assert {f"tests/panthor/{file.name}" for file in REPO.glob("tests/panthor/panthor_vm_*.c")} <= changed
    assert series.UAPI not in changed
    # Every library has words of its own, every test those of its documentation.
    assert {lib.name for lib in series.libraries(REPO / "lib")} == {*series.SUBJECTS, "igt_panthor"}
    for commit in made:
        assert len(commit.subject) <= 75
        assert len(commit.body.split()) > 5
        assert max(map(len, commit.body.splitlines())) <= series.COLUMNS


def test_every_function_of_the_library_arrives(tmp_path: Path) -> None:
    source, header = "", ""
    for commit in commits(tmp_path):
        source = commit.files.get(series.PANTHOR_C, source)
        header = commit.files.get(series.PANTHOR_H, header)
    for path, text in ((series.PANTHOR_C, source), (series.PANTHOR_H, header)):
        missing = csource.names((REPO / path).read_text()) - csource.names(text)
        assert missing <= {"IGT_PANTHOR_H"}


@pytest.mark.parametrize("changes, why", [
    ({"panthor_drm_h": "#define OLD 1\n"}, "has no DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE"),
    ({"panthor_vm_c": "igt_main\n"}, "older than IGT 2.3"),
    ({"igt_panthor_h": TREE[series.PANTHOR_H].replace("uint64_t cores", "int cores")},
     r"its igt_panthor_get_first_core\(\) is"),
    ({"igt_panthor_h": TREE[series.PANTHOR_H].replace("#endif", "int x;")}, "#endif"),
])
def test_trees_that_do_not_fit(tmp_path: Path, changes: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        commits(tmp_path, **changes)


@pytest.mark.parametrize("path, text, why", [
    (series.LIB_MESON, "sources = []\n", "lib/meson.build has no `lib_sources"),
    (series.TESTS_MESON, "progs = []\n", "tests/panthor/meson.build has no `panthor_progs"),
    (series.PLAN_MESON, "x = 1\n", "has no place for another plan"),
    (series.PLAN_MESON, "", "it has no docs/testplan/meson.build"),
    ("lib/igt_swap.h", "int other;\n", "it has another lib/igt_swap.h"),
])
def test_files_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str,
                               text: str, why: str) -> None:
    monkeypatch.setitem(TREE, path, text)
    with pytest.raises(Refused, match=why):
        commits(tmp_path)
