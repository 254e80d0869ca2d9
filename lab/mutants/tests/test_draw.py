# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""The drawing: by seed, by content, from the lines of a patch."""

import os
import subprocess
from pathlib import Path

import pytest
from mutants import draw
from mutants.lists import (Equivalent, ListError, read_equivalents, read_functions)

CODE = """int one(int a)
{
	if (a < 3)
		return 1;
	return 0 + a;
}

int two(int a)
{
	a++;
	if (a < 3)
		return 1;
	a++;
	return a;
}
"""


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path) -> str:
    folder = tmp_path / draw.DRIVER
    folder.mkdir(parents=True)
    (folder / "x.c").write_text(CODE)
    return str(tmp_path)


def drawn(tree: str, seed: str, count: int = 0, rules: str = "x.c *",
          equivalents: list[Equivalent] | None = None) -> list[draw.Mutant]:
    return draw.from_functions(tree, read_functions("f", rules), equivalents or []) \
        .draw(seed, count)


def test_a_seed_draws_the_same(tree: str) -> None:
    assert drawn(tree, "7", 5) == drawn(tree, "7", 5)
    assert [m.patch for m in drawn(tree, "7", 5)] != [m.patch for m in drawn(tree, "8", 5)]


def test_fewer_are_the_first_ones(tree: str) -> None:
    assert [m.patch for m in drawn(tree, "7", 3)] == [m.patch for m in drawn(tree, "7", 6)][:3]


def test_other_functions_do_not_change_the_order(tree: str) -> None:
    before = [m.new for m in drawn(tree, "7") if m.function == "one"]
    path = os.path.join(tree, draw.DRIVER, "x.c")
    Path(path).write_text("int zero(void)\n{\n\treturn 1 + 2;\n}\n\n" + CODE)
    assert [m.new for m in drawn(tree, "7") if m.function == "one"] == before


def test_every_mutant_once(tree: str) -> None:
    patches = [mutant.patch for mutant in drawn(tree, "1")]
    assert len(patches) == len(set(patches)) > 10


def test_every_mutant_applies(tree: str, tmp_path: Path) -> None:
    for mutant in drawn(tree, "1"):
        result = subprocess.run(["patch", "-p1", "-F0", "--dry-run", "-d", tree],
                                input=mutant.patch, text=True, capture_output=True, check=False)
        assert result.returncode == 0, mutant.patch + result.stdout
    assert tmp_path.exists()


def test_the_last_rule_decides(tree: str) -> None:
    assert {m.function for m in drawn(tree, "1", rules="x.c *\nx.c !two")} == {"one"}
    assert {m.function for m in drawn(tree, "1", rules="x.c !*\nx.c t*")} == {"two"}
    assert not drawn(tree, "1", rules="y.c *")


def test_a_bad_rule_is_told() -> None:
    with pytest.raises(ListError, match="f:2: not of the form"):
        read_functions("f", "x.c a\nx.c\n")


ENTRY = """# A comment.
one
-	if (a < 3)
+	if (a <= 3)
Never three.

two
 a++; if (a < 3) return 1;
-	a++;
+	a--;
The second one,
of two.
"""


def test_an_equivalent_is_known_by_its_content(tree: str) -> None:
    found = [m for m in drawn(tree, "1", equivalents=read_equivalents("e", ENTRY)) if m.equivalent]
    assert sorted((m.function, m.line, m.new, m.equivalent) for m in found) == [
        ("one", 3, "if (a <= 3)", "Never three."),
        ("two", 13, "a--;", "The second one, of two.")]


def test_an_equivalent_that_is_gone_is_told(tree: str) -> None:
    entries = read_equivalents("e", ENTRY + "\none\n-	gone();\n+	;\nNo.\n")
    candidates = draw.from_functions(tree, read_functions("f", "x.c *"), entries)
    assert [entry.old for entry in candidates.stale()] == ["gone();"]


@pytest.mark.parametrize("entry", ["one\n- a\n+ b\n", "one\n+ b\nWhy.\n", "- a\n+ b\nWhy.\n"])
def test_an_incomplete_equivalent_is_told(entry: str) -> None:
    with pytest.raises(ListError, match="needs a function"):
        read_equivalents("e", entry)


# ------------------------------------------------------------------------------------------------
# Patches

PATCH = """Words.

--- a/drivers/gpu/drm/panthor/x.c
+++ b/drivers/gpu/drm/panthor/x.c
@@ -1,5 +1,5 @@
 int one(int a)
 {
-	if (a < 2)
+	if (a < 3)
 		return 1;
 	return 0 + a;
@@ -10,4 +10,5 @@ int two(int a)
 	a++;
 	if (a < 3)
 		return 1;
+	a++;
 	return a;
"""


def test_the_lines_of_a_patch(tree: str) -> None:
    candidates, lost = draw.from_patch(tree, PATCH, [])
    assert lost == 0
    assert {mutant.line for mutant in candidates.draw("1", 0)} == {3, 13}


def test_a_patch_whose_lines_have_moved(tree: str) -> None:
    path = Path(tree, draw.DRIVER, "x.c")
    path.write_text("/* more */\n\n" + CODE)
    candidates, lost = draw.from_patch(tree, PATCH, [])
    assert lost == 0
    assert {mutant.line for mutant in candidates.draw("1", 0)} == {5, 15}


def test_a_patch_whose_context_has_changed(tree: str) -> None:
    path = Path(tree, draw.DRIVER, "x.c")
    path.write_text(CODE.replace("return 0 + a", "return 1 + a"))
    candidates, lost = draw.from_patch(tree, PATCH, [])
    assert lost == 0
    assert {mutant.line for mutant in candidates.draw("1", 0)} == {3, 13}


def test_lines_that_are_gone_are_counted(tree: str) -> None:
    path = Path(tree, draw.DRIVER, "x.c")
    path.write_text(CODE.replace("(a < 3)", "(a < 4)", 1))
    candidates, lost = draw.from_patch(tree, PATCH.replace("@@ -10", "@@ -10"), [])
    assert lost + len({mutant.line for mutant in candidates.draw("1", 0)}) >= 2


def test_a_patch_of_other_files(tree: str) -> None:
    candidates, _ = draw.from_patch(tree, PATCH.replace("panthor/x.c", "panthor/y.c"), [])
    assert not candidates.drawn
