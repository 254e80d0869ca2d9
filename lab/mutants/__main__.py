# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""What lab/mutants.sh asks for. The folder of a run, --out, holds

  plan.json       what is drawn: seed, number, driver, mutants
  NAME.patch      the mutant NAME
  baseline.json   the verdicts of the subtests on the driver without mutation
  verdicts.jsonl  the verdicts on the mutants, one a line, each written as it falls
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from typing import Any

from . import draw, judge, report
from .csource import SourceError
from .lists import Equivalent, ListError, read_equivalents, read_functions


# Exit statuses beside 0, 2 for a usage error and Python's own 1.
TO_JUDGE, AGAIN, SURVIVORS = 3, 4, 8


class UsageError(Exception):
    """What is shown as one line, with exit status 2."""


def read_text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as handle:
        return handle.read()


class Folder:
    """The folder of a run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def at(self, name: str) -> str:
        return os.path.join(self.path, name)

    def plan(self) -> dict[str, Any]:
        return dict(json.loads(read_text(self.at("plan.json")) or "{}"))

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {mutant["name"]: mutant for mutant in self.plan().get("mutants", [])}

    def verdicts(self) -> list[dict[str, Any]]:
        """The verdicts, of each mutant the last. Of an interrupted run, the last line may be cut."""
        found = {}
        for text in read_text(self.at("verdicts.jsonl")).splitlines():
            try:
                verdict = json.loads(text)
                found[verdict["name"]] = verdict
            except json.JSONDecodeError:
                continue
        return list(found.values())

    def add(self, verdict: judge.Verdict) -> None:
        text = read_text(self.at("verdicts.jsonl"))
        with open(self.at("verdicts.jsonl"), "a", encoding="utf-8") as handle:
            # Behind a line that was cut begins a new one.
            handle.write("\n" if text and not text.endswith("\n") else "")
            handle.write(json.dumps(verdict.described()) + "\n")

    def left(self) -> list[str]:
        judged = {verdict["name"] for verdict in self.verdicts()}
        return [name for name in self.mutants() if name not in judged]


def tree_digest(tree: str) -> str:
    """A digest of the driver's sources."""
    digest = hashlib.sha256()
    folder = os.path.join(tree, draw.DRIVER)
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")):
            digest.update(name.encode() + b"\0" + read_text(os.path.join(folder, name)).encode())
    return digest.hexdigest()[:16]


def read_candidates(args: argparse.Namespace) -> draw.Candidates:
    equivalents = read_equivalents(args.equivalents, read_text(args.equivalents))
    if args.patch:
        candidates, lost = draw.from_patch(args.tree, read_text(args.patch), equivalents)
        if lost:
            print(f"{lost} of the lines that the patch adds are not in the driver any more")
        if not candidates.drawn:
            raise UsageError(f"--mutants {args.patch}: adds no line to a function of the driver")
        return candidates
    rules = read_functions(args.functions, read_text(args.functions))
    candidates = draw.from_functions(args.tree, rules, equivalents)
    if not candidates.drawn:
        raise UsageError(f"{args.functions}: names no function of this driver")
    return candidates


def add_listed(folder: Folder, equivalents: list[Equivalent]) -> None:
    """Notes the mutants that have been listed as equivalent since they were drawn."""
    other = {verdict["name"] for verdict in folder.verdicts()
             if verdict["verdict"] != judge.SURVIVED}
    for name, mutant in folder.mutants().items():
        words = mutant["function"], mutant["before"], mutant["old"], mutant["new"]
        if name not in other and any(entry.matches(*words) for entry in equivalents):
            folder.add(judge.Verdict(name, judge.EQUIVALENT))


def command_draw(args: argparse.Namespace) -> None:
    """Draws the mutants, or finds them drawn by a run that was cut."""
    folder = Folder(args.out)
    plan = folder.plan()
    seed = args.seed or plan.get("seed") or str(int.from_bytes(os.urandom(3), "big"))
    head = {"seed": seed, "count": args.count, "driver": tree_digest(args.tree),
            "patch": hashlib.sha256(read_text(args.patch).encode()).hexdigest() if args.patch else "",
            "globs": args.globs}
    if plan:
        if {key: plan.get(key) for key in head} != head:
            raise UsageError(f"--results {args.results}: holds mutants of another seed, number, "
                             "driver or selection: give another folder")
        add_listed(folder, read_equivalents(args.equivalents, read_text(args.equivalents)))
        print(f"continues with {len(folder.left())} of {len(plan['mutants'])} mutants, seed {seed}")
        return
    candidates = read_candidates(args)
    mutants = candidates.draw(seed, args.count)
    for mutant in mutants:
        with open(folder.at(mutant.name + ".patch"), "w", encoding="utf-8") as handle:
            handle.write(mutant.patch)
    with open(folder.at("plan.json.new"), "w", encoding="utf-8") as handle:
        json.dump({**head, "mutants": [mutant.described() for mutant in mutants]}, handle, indent=1)
    os.rename(folder.at("plan.json.new"), folder.at("plan.json"))
    for mutant in mutants:
        if mutant.equivalent:
            folder.add(judge.Verdict(mutant.name, judge.EQUIVALENT))
    if args.stale and not args.patch:
        for entry in candidates.stale():
            print(f"kernel/mutants/equivalent: no such mutant any more: {entry.function}: "
                  f"{entry.new or 'nothing'}")
    print(f"{len(mutants)} mutants of {len(candidates.drawn)}, seed {seed}")


def command_left(args: argparse.Namespace) -> None:
    print("\n".join(Folder(args.out).left()))


def command_order(args: argparse.Namespace) -> None:
    """Writes the subtests for a mutant, and their limits, each one a line."""
    folder = Folder(args.out)
    mutants = folder.mutants()
    basic = {line.strip() for line in read_text(args.basic).splitlines()}
    subtests = judge.usable(json.loads(read_text(folder.at("baseline.json"))), basic)
    kills = [(mutants[verdict["name"]]["function"], verdict["by"])
             for verdict in folder.verdicts() if verdict["verdict"] == judge.KILLED]
    order = judge.ordered(subtests, mutants[args.name]["function"], kills)
    with open(args.planned, "w", encoding="utf-8") as handle:
        handle.writelines(subtest.name + "\n" for subtest in order)
    with open(args.limits, "w", encoding="utf-8") as handle:
        handle.writelines(f"{judge.limit(subtest)}\n" for subtest in order)


def command_usable(args: argparse.Namespace) -> None:
    """Says which subtests cannot judge, as they do not pass without mutation."""
    baseline = json.loads(read_text(Folder(args.out).at("baseline.json")))
    passed = judge.usable(baseline, set())
    if not passed:
        raise UsageError("no subtest passes on the driver without mutation")
    for subtest in baseline:
        if subtest["class"] == "fail":
            print(f"not used: {judge.short(subtest['id'])}: {subtest['result']} without mutation")
    print(f"{len(passed)} of {len(baseline)} subtests pass without mutation and are used")


def command_deadline(args: argparse.Namespace) -> None:
    """Prints the seconds after which the subtests of a mutant are taken to hang."""
    print(judge.suite_limit(json.loads(read_text(Folder(args.out).at("baseline.json")))))


def tell(folder: Folder, verdict: judge.Verdict) -> None:
    folder.add(verdict)
    mutants = folder.mutants()
    number = list(mutants).index(verdict.name) + 1
    print(report.line(number, len(mutants), mutants[verdict.name], verdict.described()))


def command_code(args: argparse.Namespace) -> int:
    """Whether the mutant's object code is that of the driver, or of a mutant that was judged: notes
    that, and ends with 0. Ends with TO_JUDGE if it has to be judged."""
    folder = Folder(args.out)
    if args.code == args.base:
        tell(folder, judge.Verdict(args.name, judge.SAME, seconds=args.seconds))
        return 0
    for verdict in folder.verdicts():
        if verdict["code"] == args.code:
            tell(folder, judge.Verdict(args.name, judge.DUPLICATE, how=f"mutant {verdict['name']}",
                                       seconds=args.seconds))
            return 0
    return TO_JUDGE


def command_unbuilt(args: argparse.Namespace) -> None:
    tell(Folder(args.out), judge.Verdict(args.name, judge.UNBUILT, seconds=args.seconds))


def command_judge(args: argparse.Namespace) -> int:
    """Notes the verdict. With --doubt, ends with AGAIN instead if the machine may be the reason."""
    where = args.run
    run = judge.Run(
        json.loads(read_text(os.path.join(where, "verdicts.json")) or "[]"), args.status,
        read_text(os.path.join(where, "splats")), read_text(os.path.join(where, "guest/leaks")),
        read_text(os.path.join(where, "guest/error")).strip(),
        read_text(os.path.join(where, "hangs")).strip(),
        read_text(os.path.join(where, "oops")).strip())
    if args.doubt and judge.overloaded(run):
        return AGAIN
    verdict = judge.judge(args.name, run)
    tell(Folder(args.out), judge.Verdict(**{**verdict.described(), "seconds": args.seconds,
                                            "code": args.code}))
    return 0


def command_report(args: argparse.Namespace) -> int:
    """Prints the survivors and the counts, and writes mutants.json. Ends with SURVIVORS if there are
    some."""
    folder = Folder(args.out)
    mutants, verdicts, plan = folder.mutants(), folder.verdicts(), folder.plan()
    counts = Counter(verdict["verdict"] for verdict in verdicts)
    for verdict in verdicts:
        if verdict["verdict"] == judge.SURVIVED:
            print("\n".join(report.survivor(mutants[verdict["name"]])))
    print("killed by")
    print("\n".join(report.killers(mutants, verdicts)))
    timed_out = sum("deadline" in (verdict["by"], verdict["how"]) or verdict["how"] == "timeout"
                    for verdict in verdicts if verdict["verdict"] == judge.KILLED)
    print(f"{len(mutants)} mutants, seed {plan['seed']}: "
          + report.summary(counts, timed_out, len(folder.left())))
    with open(args.json, "w", encoding="utf-8") as handle:
        json.dump({"seed": plan["seed"], "counts": counts, "timed_out": timed_out,
                   "left": len(folder.left()), "score": report.score(counts),
                   "mutants": [{**mutants[verdict["name"]], **verdict} for verdict in verdicts]},
                  handle, indent=1)
    return SURVIVORS if counts[judge.SURVIVED] else 0


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="mutants")
    main.add_argument("--out", required=True)
    commands = main.add_subparsers(required=True)
    options: dict[str, tuple[Any, list[str]]] = {
        "draw": (command_draw, ["--tree", "--functions", "--equivalents", "--seed", "--patch",
                                "--globs", "--results"]),
        "left": (command_left, []),
        "usable": (command_usable, []),
        "deadline": (command_deadline, []),
        "order": (command_order, ["--basic", "--planned", "--limits", "name"]),
        "code": (command_code, ["--base", "--code", "name"]),
        "unbuilt": (command_unbuilt, ["name"]),
        "judge": (command_judge, ["--run", "--code", "name"]),
        "report": (command_report, ["--json"]),
    }
    for name, (function, arguments) in options.items():
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        for argument in arguments:
            command.add_argument(argument)
        command.add_argument("--count", type=int, default=0)
        command.add_argument("--status", type=int, default=0)
        command.add_argument("--seconds", type=float, default=0.0)
        command.add_argument("--stale", action="store_true")
        command.add_argument("--doubt", action="store_true")
    return main


def main() -> int:
    args = parser().parse_args()
    try:
        return int(args.function(args) or 0)
    except (UsageError, ListError, SourceError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
