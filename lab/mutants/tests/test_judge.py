# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Verdicts, the order of the subtests, and the whole of a run that is cut and continued."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mutants import __main__ as command
from mutants import draw, judge, report


def subtest(name: str, kind: str = "pass", result: str = "", seconds: float = 1.0) -> dict[str, Any]:
    return {"id": f"igt@panthor/t@{name}", "class": kind, "result": result or kind,
            "seconds": seconds}


def verdict(subtests: list[dict[str, Any]], status: int, **more: str) -> tuple[str, str, str]:
    found = judge.judge("0001", judge.Run(subtests, status, **more))
    return found.verdict, found.by, found.how


def test_survived() -> None:
    assert verdict([subtest("a"), subtest("b")], 0) == ("survived", "", "")


def test_killed_by_the_first_that_fails() -> None:
    assert verdict([subtest("a"), subtest("b", "fail"), subtest("c", "fail")], 1) == \
        ("killed", "t@b", "fail")


@pytest.mark.parametrize("kind", ["known", "flake", "skip", "left", "unrun"])
def test_what_is_expected_does_not_kill(kind: str) -> None:
    assert verdict([subtest("a"), subtest("b", kind, "fail")], 0)[0] == "survived"


def test_an_unexpected_pass_kills() -> None:
    assert verdict([subtest("a", "stale", "pass")], 7) == ("killed", "t@a", "unexpected pass")


def test_killed_by_the_kernel_log_of_a_subtest() -> None:
    assert verdict([subtest("a", "fail", "dmesg-warn")], 1) == ("killed", "t@a", "dmesg-warn")


def test_killed_by_the_kernel_log_outside() -> None:
    assert verdict([subtest("a")], 1, reports="WARNING: x\ny\n") == \
        ("killed", "kernel log", "WARNING: x")


def test_killed_by_leaks() -> None:
    assert verdict([subtest("a")], 1, leaks="1 BOs\n") == ("killed", "leaks", "1 BOs")


def test_a_board_that_does_not_come_up() -> None:
    assert verdict([subtest("a", "fail", "notrun")], 5, error="panthor did not bind") == \
        ("killed", "board", "panthor did not bind")


def test_a_subtest_that_hangs() -> None:
    assert verdict([subtest("a"), subtest("b", "fail", "incomplete"),
                    subtest("c", "unrun", "notrun")], 6, timeout="igt@panthor/t@b") == \
        ("killed", "t@b", "deadline")


def test_a_board_that_hangs() -> None:
    assert verdict([subtest("a", "fail", "notrun")], 6)[:2] == ("killed", "deadline")


def test_a_kernel_oops() -> None:
    assert verdict([subtest("a"), subtest("b", "fail", "incomplete")], 1,
                   oops="igt@panthor/t@b") == ("killed", "t@b", "kernel oops")


def test_a_run_without_a_pass() -> None:
    assert verdict([subtest("a", "skip")], 3) == ("killed", "run", "exit status 3")


@pytest.mark.parametrize("status", [2, 4])
def test_no_verdict_without_a_run(status: int) -> None:
    with pytest.raises(ValueError):
        verdict([], status)


def test_a_busy_machine_is_doubted() -> None:
    late = {**subtest("b", "fail", "dmesg-fail"),
            "reason": ["<3> [9.5] panthor: *ERROR* CSG 0 update request timedout"]}
    assert judge.overloaded(judge.Run([subtest("a"), late], 1))
    assert not judge.overloaded(judge.Run([subtest("a"), subtest("b", "fail")], 1))
    assert not judge.overloaded(judge.Run([{**late, "class": "pass"}], 0))


def named(name: str, seconds: float = 1.0, basic: bool = False) -> judge.Subtest:
    return judge.Subtest(f"igt@panthor/t@{name}", seconds, basic)


def order(subtests: list[judge.Subtest], function: str,
          kills: list[tuple[str, str]]) -> list[str]:
    return [judge.short(item.name)[2:] for item in judge.ordered(subtests, function, kills)]


def test_basic_and_quick_subtests_come_first() -> None:
    assert order([named("slow", 9), named("quick", 1), named("basic", 5, True)], "f", []) == \
        ["basic", "quick", "slow"]


def test_killers_come_before_basic_subtests() -> None:
    assert order([named("a"), named("b"), named("basic", 1, True)], "f",
                 [("g", "t@b"), ("g", "t@b"), ("h", "t@a")]) == ["b", "a", "basic"]


def test_killers_of_the_function_come_first() -> None:
    assert order([named("a"), named("b")], "f", [("g", "t@b"), ("g", "t@b"), ("f", "t@a")]) == \
        ["a", "b"]


def test_only_what_passes_is_used() -> None:
    found = judge.usable([subtest("a"), subtest("b", "fail"), subtest("c", "skip")], set())
    assert [item.name for item in found] == ["igt@panthor/t@a"]


def test_the_limit_grows_with_the_time() -> None:
    assert judge.limit(named("a", 0.1)) < judge.limit(named("a", 10)) < 70


def test_the_score_counts_what_is_killed_or_survives() -> None:
    counts = Counter({"killed": 19, "survived": 1, "equivalent": 5, "does not build": 3})
    assert report.score(counts) == 95.0
    assert report.summary(counts, 2, 4) == (
        "19 killed (2 by a deadline), 1 survived, 5 equivalent, as listed, 3 do not build, "
        "4 not judged yet; 95.0 % killed of those that count")


# ------------------------------------------------------------------------------------------------
# The commands

class Lab:
    """A driver of one function, a folder of a run, and the commands on it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch,
                 capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.monkeypatch, self.capsys = path, monkeypatch, capsys
        self.out = path / "out"
        self.out.mkdir()
        folder = path / "tree" / draw.DRIVER
        folder.mkdir(parents=True)
        (folder / "x.c").write_text("int f(int a)\n{\n\tif (a < 3)\n\t\tg(a);\n\treturn a;\n}\n")
        (path / "functions").write_text("x.c *\n")
        (path / "equivalent").write_text("f\n- if (a < 3)\n+ if (a <= 3)\nNever three.\n")
        (self.out / "baseline.json").write_text(json.dumps([subtest("a"), subtest("b")]))

    def run(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr("sys.argv", ["mutants", "--out", str(self.out), *words])
        status = command.main()
        return (status, *self.capsys.readouterr())

    def draw(self, seed: str = "7", count: str = "10") -> tuple[int, str, str]:
        return self.run("draw", "--tree", str(self.path / "tree"), "--functions",
                        str(self.path / "functions"), "--equivalents",
                        str(self.path / "equivalent"), "--seed", seed, "--count", count,
                        "--patch", "", "--globs", "", "--results", "DIR")

    def judge(self, name: str, subtests: list[dict[str, Any]], status: str) -> None:
        where = self.out / name
        where.mkdir()
        (where / "verdicts.json").write_text(json.dumps(subtests))
        assert self.run("judge", name, "--run", str(where), "--status", status, "--code",
                        f"code of {name}")[0] == 0

    def left(self) -> list[str]:
        return self.run("left")[1].split()


@pytest.fixture(name="lab")
def fixture_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                capsys: pytest.CaptureFixture[str]) -> Lab:
    return Lab(tmp_path, monkeypatch, capsys)


def test_a_run(lab: Lab) -> None:
    status, out, _ = lab.draw()
    assert status == 0 and "5 mutants of 5, seed 7" in out
    left = lab.left()
    assert len(left) == 4  # one is equivalent
    lab.judge(left[0], [subtest("a", "fail")], "1")
    assert lab.run("unbuilt", left[1])[0] == 0
    lab.judge(left[2], [subtest("a"), subtest("b")], "0")
    status, out, _ = lab.run("report", "--json", str(lab.path / "mutants.json"))
    assert status == command.SURVIVORS
    assert "1 killed, 1 survived, 1 equivalent, as listed, 1 do not build, 1 not judged yet" in out
    assert "survived: mutant " + left[2] in out
    assert json.loads((lab.path / "mutants.json").read_text())["score"] == 50.0


def test_a_cut_run_is_continued(lab: Lab) -> None:
    lab.draw()
    left = lab.left()
    lab.judge(left[0], [subtest("a", "fail")], "1")
    verdicts = lab.out / "verdicts.jsonl"
    with open(verdicts, "a", encoding="utf-8") as handle:
        handle.write('{"name": "' + left[1])
    status, out, _ = lab.draw()
    assert status == 0 and "continues with 3 of 5 mutants, seed 7" in out
    assert lab.left() == left[1:]
    lab.judge(left[1], [subtest("a", "fail")], "1")
    assert lab.left() == left[2:]


def test_a_survivor_that_is_listed_later(lab: Lab) -> None:
    lab.draw()
    left = lab.left()
    lab.judge(left[0], [subtest("a")], "0")
    lab.judge(left[1], [subtest("a", "fail")], "1")
    mutants = {mutant["name"]: mutant for mutant in
               json.loads((lab.out / "plan.json").read_text())["mutants"]}
    with open(lab.path / "equivalent", "a", encoding="utf-8") as handle:
        for name in left[:3]:
            mutant = mutants[name]
            handle.write(f"\nf\n {mutant['before']}\n-{mutant['old']}\n+{mutant['new']}\nNo.\n")
    assert "continues with 1 of 5 mutants" in lab.draw()[1]
    _, out, _ = lab.run("report", "--json", str(lab.path / "mutants.json"))
    assert "1 killed, 0 survived, 3 equivalent, as listed, 1 not judged yet" in out


def test_a_doubtful_kill_is_repeated(lab: Lab) -> None:
    lab.draw()
    name = lab.left()[0]
    where = lab.out / name
    where.mkdir()
    late = {**subtest("a", "fail"), "reason": ["CSG 0 update request timedout"]}
    (where / "verdicts.json").write_text(json.dumps([late]))
    words = ["judge", name, "--run", str(where), "--status", "1"]
    assert lab.run(*words, "--doubt")[0] == command.AGAIN
    assert name in lab.left()
    assert lab.run(*words)[0] == 0
    assert name not in lab.left()


def test_a_seed_is_chosen_and_kept(lab: Lab) -> None:
    seed = lab.draw(seed="")[1].split()[-1]
    assert f"seed {seed}" in lab.draw(seed="")[1]


@pytest.mark.parametrize("other", [{"seed": "8"}, {"count": "3"}])
def test_another_run_is_not_continued(lab: Lab, other: dict[str, str]) -> None:
    lab.draw()
    status, _, error = lab.draw(**other)
    assert status == 2
    assert error.count("\n") == 1 and "another seed, number, driver or selection" in error


def test_another_driver_is_not_continued(lab: Lab) -> None:
    lab.draw()
    path = lab.path / "tree" / draw.DRIVER / "x.c"
    path.write_text(path.read_text().replace("3", "4"))
    assert lab.draw()[0] == 2


def test_equal_code_is_not_run(lab: Lab) -> None:
    lab.draw()
    left = lab.left()
    assert lab.run("code", left[0], "--base", "x", "--code", "x")[0] == 0
    assert lab.run("code", left[1], "--base", "x", "--code", "y")[0] == command.TO_JUDGE
    lab.judge(left[1], [subtest("a", "fail")], "1")
    assert lab.run("code", left[2], "--base", "x", "--code", f"code of {left[1]}")[0] == 0
    _, out, _ = lab.run("report", "--json", str(lab.path / "mutants.json"))
    assert "1 compile to the same code, 1 repeat an earlier one" in out


def test_the_order_follows_the_kills(lab: Lab) -> None:
    lab.draw()
    left = lab.left()
    lab.judge(left[0], [subtest("a"), subtest("b", "fail")], "1")
    planned, limits = lab.path / "planned", lab.path / "limits"
    lab.run("order", left[1], "--basic", str(lab.path / "none"), "--planned", str(planned),
            "--limits", str(limits))
    assert planned.read_text() == "igt@panthor/t@b\nigt@panthor/t@a\n"
    assert len(limits.read_text().split()) == 2


def test_nothing_passes_without_mutation(lab: Lab) -> None:
    (lab.out / "baseline.json").write_text(json.dumps([subtest("a", "fail")]))
    status, _, error = lab.run("usable")
    assert status == 2 and error == "run: no subtest passes on the driver without mutation\n"


def test_a_bad_list_is_one_line(lab: Lab) -> None:
    (lab.path / "functions").write_text("x.c\n")
    status, _, error = lab.draw()
    assert status == 2 and error.count("\n") == 1


def test_no_function_is_one_line(lab: Lab) -> None:
    (lab.path / "functions").write_text("x.c g\n")
    status, _, error = lab.draw()
    assert status == 2 and error.count("\n") == 1


def test_deadline_of_all_subtests() -> None:
    baseline = [subtest("a", seconds=1.5), subtest("b", seconds=0.25)]
    assert judge.suite_limit(baseline) == 69
