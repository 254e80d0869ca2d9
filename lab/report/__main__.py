# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The commands that lab/*.sh call: python3 -m report COMMAND --help."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from report import bench, compare, defects, junit, kernel_log, ktap, live, plan, repeat, text, verdicts
from report.expectations import Expectations, exactly
from report.rules import Referee

Path = pathlib.Path


def _lines(path: Path | None) -> list[str]:
    if path is None or not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line]


def _lines_all(path: Path) -> list[str]:
    """All lines, the empty ones too."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _json(path: Path) -> Any:
    """The content of a file; None if it is absent or cut."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    """The content of a file; empty if it is absent."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _write_statuses(path: Path, statuses: list[int]) -> None:
    path.write_text(" ".join(map(str, statuses)) + "\n", encoding="utf-8")


def _verdicts(results: Path) -> list[verdicts.Verdict]:
    """Of verdicts.json, or of a results folder that has one."""
    path = results / "verdicts.json" if results.is_dir() else results
    content = _json(path)
    if not isinstance(content, list):
        sys.exit(f"report: {results}: no verdicts there: name a results folder of ./run")
    try:
        return [verdicts.Verdict.from_json(verdict) for verdict in content]
    except (KeyError, ValueError):
        sys.exit(f"report: {results}: verdicts of another version of ./run: run it again")


def _expectations(args: argparse.Namespace) -> Expectations:
    return Expectations.read(
        args.expectations, args.kernel, special=args.special, skips=not args.no_skips
    )


def _judge(args: argparse.Namespace) -> list[verdicts.Verdict]:
    results = _json(args.results) or {}
    return verdicts.judge(
        _lines(args.selected), _lines(args.named), results.get("tests") or {}, _expectations(args)
    )


def run_replay(args: argparse.Namespace) -> None:
    """Prints the arguments of ./run that repeat the run of a results folder, one a line."""
    about = _json(args.folder / "metadata.json")
    try:
        words = repeat.replay(
            args.folder, about if isinstance(about, dict) else {}, kernel_given=args.kernel_given
        )
    except repeat.NoReplay as reason:
        sys.exit(str(reason))
    print(*words, sep="\n")


def run_planned(args: argparse.Namespace) -> None:
    """Prints the subtests to start."""
    print(*verdicts.planned(_lines(args.selected), _lines(args.named), _expectations(args)), sep="\n")


def run_judge(args: argparse.Namespace) -> None:
    """Judges a run, writes verdicts.json and junit.xml, and prints the table."""
    judged = _judge(args)
    referee = Referee(args.out, _expectations(args), args.rules)
    referee.apply(judged)
    if args.ended_for:
        verdicts.ended_early(judged, _lines(args.ended_for))
    _write(args.out / "verdicts.json", [verdict.to_json() for verdict in judged])
    (args.out / "junit.xml").write_text(junit.junit(judged), encoding="utf-8")
    outside, fails = referee.rest()
    statuses = verdicts.statuses(judged)
    _write_statuses(args.statuses, [1, *statuses] if fails else statuses)
    before = (_json(args.shown) if args.shown else None) or {}
    for line in text.table(
        judged, quiet=args.quiet, skip=lambda one: before.get(one.id) == live.as_shown(one)
    ):
        print(line)
    if outside and (fails or not args.quiet):
        print("outside of any subtest the driver", *outside, sep="\n    ")


def run_live(args: argparse.Namespace) -> None:
    """Shows verdicts while the suite runs, until there is a file WORK/stop. Writes to SHOWN what was
    shown."""
    about = _json(args.folder / "metadata.json") or {}
    shown = live.Live(
        args.folder / "igt",
        args.work,
        _lines(args.planned),
        _expectations(args),
        about,
        quiet=args.quiet,
        rules=args.rules,
    )
    live.watch(shown, args.work / "stop")
    _write(args.shown, shown.shown)


def run_unexpected(args: argparse.Namespace) -> None:
    """Prints the subtests of results.json whose results nobody expects."""
    results = _json(args.results) or {}
    tests = results.get("tests") or {}
    names = [name for name in tests if name.count("@") < 3]
    judged = verdicts.judge(names, names, tests, _expectations(args))
    if args.folder:
        Referee(args.folder, _expectations(args), args.rules).apply(judged)
    for verdict in judged:
        if verdict.unexpected and verdict.result != "notrun":
            print(verdict.id)


def run_expected(args: argparse.Namespace) -> None:
    """Prints why a failure is expected; fails if it is not."""
    entry = exactly(args.name, _expectations(args).fails)
    if entry is None:
        sys.exit(1)
    print(entry.reason or "no reason given")


def run_kernel_log(args: argparse.Namespace) -> None:
    """Writes kernel.log of a results folder for people, and to REPORTS the reports outside of subtests."""
    log = list(kernel_log.records(_text(args.folder / "guest" / "kmsg")))
    excerpts = (args.folder / "igt").rglob("dmesg.txt")
    judged = [record for excerpt in excerpts for record in kernel_log.records(_text(excerpt))]
    _write_lines(args.folder / "kernel.log", [record.line for record in log])
    _write_lines(args.reports, kernel_log.outside(log, judged))


def run_collected(args: argparse.Namespace) -> None:
    """Copies igt_runner's results.json, or writes one without tests if it is absent or cut."""
    results = _json(args.igt)
    complete = isinstance(results, dict) and isinstance(results.get("tests"), dict)
    _write(args.out, results if complete else {"tests": {}})


def run_metadata(args: argparse.Namespace) -> None:
    """Writes metadata.json."""
    content: dict[str, Any] = dict(args.text)
    content |= {key: int(value) for key, value in args.number}
    content |= {key: value == "1" for key, value in args.flag}
    content |= {key: [line for line in value.split("\n") if line] for key, value in args.list}
    _write(args.out, content)


def run_coverage(args: argparse.Namespace) -> None:
    """Prints how many lines of each function ran, and which did not."""
    # The list of functions is that of the mutants.
    from mutants.lists import read_functions
    from report import coverage

    rules = read_functions(str(args.functions), args.functions.read_text(encoding="utf-8"))
    reasons = coverage.read_reasons(args.unreached.read_text(encoding="utf-8"))
    records = coverage.documents(args.gcov.read_text(encoding="utf-8"))
    counted = [
        (own, coverage.unreached(own, _lines_all(args.sources / own.file), reasons))
        for own in coverage.functions(records, rules)
    ]
    _write(args.out, coverage.to_json(counted))
    print(*coverage.table(counted), sep="\n")


def run_summary(args: argparse.Namespace) -> None:
    """Prints the last line."""
    print(text.summary(_verdicts(args.verdicts)))


def run_ktap(args: argparse.Namespace) -> None:
    """Makes results.json of the files that KUnit's debugfs has, one a suite, with names in lower case
    as igt_runner's. Prints the names as they are."""
    tests: dict[str, Any] = {}
    for path in sorted(args.folder.iterdir()) if args.folder.is_dir() else []:
        if path.is_file():
            tests |= ktap.tests(path.read_text(encoding="utf-8", errors="replace"))
    _write(args.out, {"tests": {name.lower(): own for name, own in tests.items()}})
    for name in tests:
        print(name)


def run_page(args: argparse.Namespace) -> None:
    """Writes results.html of a results folder."""
    from report import page  # Jinja2, which takes longer to load than most commands run

    folder = args.folder
    judged = _json(folder / "verdicts.json") or []
    run = page.Run(
        status=args.status,
        metadata=_json(folder / "metadata.json") or {},
        verdicts=[verdicts.Verdict.from_json(verdict) for verdict in judged],
        tests=(_json(folder / "results.json") or {}).get("tests") or {},
        bench=_json(folder / "bench.json") if args.bench else None,
        vmas=args.vmas,
        plan=plan.read(args.plan),
        times=args.times,
        log=_lines(folder / "kernel.log"),
        reports=_lines(args.reports),
    )
    (folder / "results.html").write_text(page.page(run), encoding="utf-8")


def _boot(folder: Path) -> dict[str, Any] | None:
    results = _json(folder / "bench.json")
    if results is None:
        return None
    driver = folder.name.rsplit("-", 1)[0]
    return {"driver": driver, "reports": _lines(folder / "reports.txt"), "results": results}


def run_bench(args: argparse.Namespace) -> None:
    """Sets the boots of a results folder side by side: bench.json, the table, the goals."""
    folders = sorted(path for path in (args.folder / "bench").glob("*-*") if path.is_dir())
    boots = [boot for boot in map(_boot, folders) if boot]
    comparison = bench.compare(boots, args.patches)
    _write(args.folder / "bench.json", comparison)
    _write_statuses(args.statuses, bench.statuses(comparison))
    table = [] if args.quiet else [*bench.table(comparison), args.times]
    for line in [*table, *bench.goal_lines(comparison)]:
        print(line)


def _tree(results: Path) -> dict[str, verdicts.Verdict]:
    """The verdicts of a results folder, of verdicts.json, or of a tree of results folders."""
    inner = compare.folders(results) if results.is_dir() else []
    return compare.named({folder: _verdicts(results / folder) for folder in inner or [Path()]})


def run_compare(args: argparse.Namespace) -> None:
    """Prints what changed from one result, or tree of results, to another. The exit status is 1 if something broke."""
    comparison = compare.compare(_tree(args.old), _tree(args.new))
    for line in compare.text(comparison):
        print(line)
    if args.html:
        args.html.write_text(compare.html(comparison), encoding="utf-8")
    if comparison.broken or comparison.gone:
        sys.exit(1)


# -------------------------------------------------------------------------------------------------
# ./check


def _records(path: Path) -> list[dict[str, Any]]:
    """verdicts.json as it is."""
    content = _json(path)
    if not isinstance(content, list):
        sys.exit(f"report: {path}: no verdicts there")
    return content


def _say(lines: list[str], good: bool) -> None:
    """Prints a judgement, which is the exit status."""
    for line in lines:
        print(line)
    if not good:
        sys.exit(1)


def _append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def run_caught(args: argparse.Namespace) -> None:
    """Judges a run on the driver with a defect: appends `NAME SUBTEST caught|missed` to CATCHES, and
    `NAME SUBTEST RESULT` to MISSES for those that have to pass with it. Writes to WANTED what did not
    run, since an earlier subtest took the board down. Fails if the run cannot show a defect. With
    --whole, which CATCHES and MISSES are then, fails if not all is as the defect says, once nothing is
    left to run."""
    wanted, missers = _lines(args.wanted), _lines(args.missers)
    why = defects.shows_nothing(args.status, set(wanted) - set(missers))
    if why:
        _say([f"./run ended with status {args.status}: {why}"], False)
    told = defects.caught(args.name, wanted, missers, _records(args.verdicts))
    _append(args.catches, told.catches)
    if args.misses:
        _append(args.misses, told.misses)
    args.wanted.write_text("".join(f"{name}\n" for name in told.left), encoding="utf-8")
    if args.whole and not told.left:
        lines = defects.wrong(defects.Caught(_lines(args.catches), _lines(args.misses)))
        _say(lines, not lines)


def run_ruled(args: argparse.Namespace) -> None:
    """Whether in a run on the driver with a defect each subtest of RULES, `RULE TEST@SUBTEST` a line,
    that ran broke that rule and no other."""
    referee = Referee(args.results, Expectations(), "fail")
    ran = {str(own["id"]).lower() for own in _records(args.results / "verdicts.json")}
    lines = []
    for line in _lines(args.rules):
        rule, subtest = line.split()
        name = f"igt@panthor/{subtest}".lower()
        broken = sorted({finding.rule for finding in referee.by_name.get(name, [])})
        if name in ran and broken != [rule]:
            lines.append(f"{subtest} broke {', '.join(broken) or 'no rule'}, not {rule}")
    _say(lines, not lines)


def run_only(args: argparse.Namespace) -> None:
    """Whether in a run of the whole suite only subtests of one group failed: that of a patch's line
    Only."""
    groups = [line[5:].strip() for line in _lines(args.patch) if line.startswith("Only:")]
    if not groups:
        _say([f"{args.patch} has no Only line"], False)
    _say(*defects.only(groups[0], _records(args.verdicts)))


def run_same(args: argparse.Namespace) -> None:
    """Whether each subtest fares alike in two runs."""
    one, other = _records(args.one), _records(args.other)
    _say(*defects.same(one, other, args.least, (args.words[0], args.words[1])))


def run_replayed(args: argparse.Namespace) -> None:
    """Whether each subtest fares in a repeated run as it was recorded."""
    commits = [str((_json(folder / "metadata.json") or {}).get("commit")) for folder in (args.old, args.new)]
    if commits[0] != commits[1]:
        print(f"recorded at commit {commits[0]} of these tests, repeated at {commits[1]}")
    one, other = (_records(folder / "verdicts.json") for folder in (args.old, args.new))
    _say(*defects.same(one, other, 0, ("as recorded", "in this run")))


def run_walk(args: argparse.Namespace) -> None:
    """Whether the one subtest of igt_runner's results, a random walk, failed within some operations,
    and printed at most some rows that fail."""
    tests = (_json(args.results) or {}).get("tests") or {}
    out = next((str(own.get("out") or "") for own in tests.values()), "")
    line, good = defects.walk(out, args.operations, args.rows)
    _say([line], good)


def run_matrix(args: argparse.Namespace) -> None:
    """Prints the matrix of defects and groups of subtests."""
    matrix = defects.Matrix(_lines(args.catches))
    if args.html:
        from report import page

        args.html.write_text(page.matrix(matrix), encoding="utf-8")
    _say(matrix.text(exclusive=args.exclusive), True)


def run_alone(args: argparse.Namespace) -> None:
    """Whether a group of subtests is the only one to catch some defect."""
    alone = defects.Matrix(_lines(args.catches)).alone(args.group)
    _say([f"only {args.group}-*: {' '.join(alone) or 'none'}"], bool(alone))


def run_scenarios(args: argparse.Namespace) -> None:
    """Prints each scenario with its own defects and its subtests; fails if one has none."""
    _say(*defects.Scenarios.parse(_lines(args.scenarios)).text())


def run_outside(args: argparse.Namespace) -> None:
    """Whether no subtest of another scenario caught a defect that is a scenario's own."""
    scenarios = defects.Scenarios.parse(_lines(args.scenarios))
    lines = scenarios.outside(args.defect, _lines(args.catches))
    _say(lines, not lines)


def run_items(args: argparse.Namespace) -> None:
    """Writes junit.xml of a run of ./check."""
    (args.folder / "junit.xml").write_text(junit.items(args.folder), encoding="utf-8")


def run_share(args: argparse.Namespace) -> None:
    """Whether at least so many of 100 defects are caught, by lines `caught|missed NAME`."""
    lines = sorted(_lines(args.defects))
    caught = sum(line.startswith("caught ") for line in lines)
    good = bool(lines) and 100 * caught >= args.least * len(lines)
    _say([*lines, f"{caught} of {len(lines)} caught"], good)


def run_reached(args: argparse.Namespace) -> None:
    """Whether at least so many of 100 lines ran, by coverage.json."""
    functions = _json(args.coverage) or []
    lines = sum(own["lines"] for own in functions)
    ran = lines - sum(len(own["unreached"]) for own in functions)
    _say([f"{ran} of {lines} lines ran"], bool(lines) and 100 * ran >= args.least * lines)


def run_killed(args: argparse.Namespace) -> None:
    """Whether at least so many of 100 mutants were killed."""
    score = (_json(args.mutants) or {}).get("score")
    _say([f"{score} of 100 killed"], score is not None and score >= args.least)


# -------------------------------------------------------------------------------------------------


def _with_expectations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expectations", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--kernel", required=True, help="what the names of the files begin with")
    parser.add_argument(
        "--special", action="append", default=[], help="what follows it for the board, if there"
    )
    parser.add_argument("--no-skips", action="store_true", help="without the skips file")


def _with_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--selected", type=Path, required=True, help="igt@TEST@SUBTEST, one a line")
    parser.add_argument("--named", type=Path, help="those that were asked for by their whole names")
    _with_expectations(parser)


def _with_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rules", choices=("fail", "warn", "off"), default="off", help="what findings do"
    )


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        added.set_defaults(run=function)
        return added

    _with_selection(command("planned", run_planned))

    judge = command("judge", run_judge)
    _with_selection(judge)
    judge.add_argument("--results", type=Path, required=True, help="igt_runner's results.json")
    judge.add_argument("--out", type=Path, required=True, help="the results folder")
    judge.add_argument("--statuses", type=Path, required=True, help="write exit statuses to it")
    judge.add_argument("--ended-for", type=Path, help="subtests for which --fail-fast ended the run")
    judge.add_argument("--quiet", action="store_true", help="only what is unexpected")
    _with_rules(judge)
    judge.add_argument("--shown", type=Path, help="what `live` has shown, which is not shown again")

    watch = command("live", run_live)
    watch.add_argument("folder", type=Path, help="the results folder")
    watch.add_argument("--planned", type=Path, required=True)
    watch.add_argument("--work", type=Path, required=True, help="a folder for files of its own")
    watch.add_argument("--shown", type=Path, required=True)
    watch.add_argument("--quiet", action="store_true", help="only what is unexpected")
    _with_rules(watch)
    _with_expectations(watch)

    unexpected = command("unexpected", run_unexpected)
    unexpected.add_argument("--results", type=Path, required=True)
    unexpected.add_argument("--folder", type=Path, help="the results folder, for findings")
    _with_rules(unexpected)
    _with_expectations(unexpected)

    expected = command("expected", run_expected)
    expected.add_argument("name")
    _with_expectations(expected)

    logged = command("kernel-log", run_kernel_log)
    logged.add_argument("folder", type=Path, help="the results folder")
    logged.add_argument("--reports", type=Path, required=True)

    collected = command("collected", run_collected)
    collected.add_argument("igt", type=Path, help="igt_runner's results.json")
    collected.add_argument("out", type=Path)

    about = command("metadata", run_metadata)
    about.add_argument("out", type=Path)
    for kind, means in (
        ("text", "as it is"),
        ("number", "as a number"),
        ("flag", "1: true, 0: false"),
        ("list", "a list of its lines"),
    ):
        about.add_argument(
            f"--{kind}", nargs=2, action="append", default=[], metavar=("KEY", "VALUE"), help=means
        )

    counted = command("coverage", run_coverage)
    counted.add_argument("gcov", type=Path, help="gcov's JSON")
    counted.add_argument("--sources", type=Path, required=True, help="folder of relative paths")
    counted.add_argument("--functions", type=Path, required=True)
    counted.add_argument("--unreached", type=Path, required=True)
    counted.add_argument("--out", type=Path, required=True)

    replayed = command("replay", run_replay)
    replayed.add_argument("folder", type=Path, help="the results folder")
    replayed.add_argument("--kernel-given", action="store_true", help="the caller names the kernel")

    command("summary", run_summary).add_argument("verdicts", type=Path)

    kunit = command("ktap", run_ktap)
    kunit.add_argument("folder", type=Path)
    kunit.add_argument("out", type=Path)

    made = command("page", run_page)
    made.add_argument("folder", type=Path)
    made.add_argument("--status", type=int, required=True)
    made.add_argument("--times", default="")
    made.add_argument("--plan", type=Path, help="fields of the test plan")
    made.add_argument("--vmas", type=Path, help="panthor_vmas, which draws address spaces")
    made.add_argument("--reports", type=Path, help="what the kernel reported outside of subtests")
    made.add_argument("--bench", action="store_true", help="bench.json is a comparison")

    compared = command("bench", run_bench)
    compared.add_argument("folder", type=Path)
    compared.add_argument("--patches", type=int, required=True)
    compared.add_argument("--statuses", type=Path, required=True)
    compared.add_argument("--times", default="")
    compared.add_argument("--quiet", action="store_true")

    changed = command("compare", run_compare)
    changed.add_argument("old", type=Path)
    changed.add_argument("new", type=Path)
    changed.add_argument("--html", type=Path, metavar="FILE")
    _check_options(command)
    return parser


def _check_options(command: Callable[[str, Any], argparse.ArgumentParser]) -> None:
    caught = command("caught", run_caught)
    caught.add_argument("name")
    caught.add_argument("wanted", type=Path, help="TEST@SUBTEST, one a line")
    caught.add_argument("verdicts", type=Path, help="verdicts.json of the run")
    caught.add_argument("status", type=int, help="exit status of the run")
    caught.add_argument("catches", type=Path)
    caught.add_argument("missers", type=Path, nargs="?", help="who has to pass with the defect")
    caught.add_argument("misses", type=Path, nargs="?")
    caught.add_argument("--whole", action="store_true", help="all that ran is in CATCHES and MISSES")

    ruled = command("ruled", run_ruled)
    ruled.add_argument("results", type=Path, help="the results folder of the run")
    ruled.add_argument("rules", type=Path, help="RULE TEST@SUBTEST, one a line")

    only = command("only", run_only)
    only.add_argument("patch", type=Path)
    only.add_argument("verdicts", type=Path)

    same = command("same", run_same)
    same.add_argument("one", type=Path)
    same.add_argument("other", type=Path)
    same.add_argument("--least", type=int, default=0, help="how many have to fail")
    same.add_argument(
        "--words", nargs=2, default=["in a process of its own", "beside others"], metavar="WORDS"
    )

    replayed = command("replayed", run_replayed)
    replayed.add_argument("old", type=Path)
    replayed.add_argument("new", type=Path)

    walk = command("walk", run_walk)
    walk.add_argument("results", type=Path, help="igt_runner's results.json")
    walk.add_argument("operations", type=int)
    walk.add_argument("rows", type=int)

    matrix = command("matrix", run_matrix)
    matrix.add_argument("catches", type=Path)
    matrix.add_argument("--exclusive", action="store_true")
    matrix.add_argument("--html", type=Path, metavar="FILE")

    alone = command("alone", run_alone)
    alone.add_argument("catches", type=Path)
    alone.add_argument("group")

    command("scenarios", run_scenarios).add_argument("scenarios", type=Path)

    outside = command("outside", run_outside)
    outside.add_argument("scenarios", type=Path)
    outside.add_argument("defect")
    outside.add_argument("catches", type=Path)

    command("items", run_items).add_argument("folder", type=Path)

    share = command("share", run_share)
    share.add_argument("defects", type=Path)
    share.add_argument("least", type=float)

    reached = command("reached", run_reached)
    reached.add_argument("coverage", type=Path, help="coverage.json")
    reached.add_argument("least", type=float)

    killed = command("killed", run_killed)
    killed.add_argument("mutants", type=Path)
    killed.add_argument("least", type=float)


if __name__ == "__main__":
    arguments = options().parse_args()
    arguments.run(arguments)
