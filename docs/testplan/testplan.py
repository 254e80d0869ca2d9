#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Checks the documentation of the subtests, and makes the test plan and the test lists of it.

The blocks in the sources are compared with what the binaries list and describe (--test), with the
fields that are mandatory in the JSON file, with the scenarios of their file, and with the subtests
that patches and expectations name. Nothing is written if something is wrong; each fault is a line
on standard error, and the exit status is 1.
"""

import argparse
import collections
import os
import re
import subprocess
import sys
from typing import Any, Iterator, Optional

import blocks
import defects
import render

# What else expectations name, checks of a run as a whole and tests of IGT's, is none of the plan.
OUR_TESTS = "panthor_vm_sparse"
LISTS = {"bat": "BAT", "full": "FULL"}
LIST_SECONDS = 60
# igt_describe() takes no more.
DESCRIPTION_MAX = 511
# Each description is read alone: by --describe, in a report, in the plan.
LEANS = re.compile(r"(The same|Nor|So)\b")
# What --describe says first of a subtest.
DESCRIBED = re.compile(r"^SUB (\S+) (\S+):\d+:$", re.M)
# What is not shown with the other fields of a subtest.
FIRST = ["Description", "Failure mode"]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--config", required=True, help="JSON file with the fields and sources")
    parser.add_argument("--test", action="append", default=[], metavar="BINARY",
                        help="compare with what this binary lists; one for each source, or none")
    parser.add_argument("--regressions", help="folder of planted defects, with a series file")
    parser.add_argument("--patches", help="folder of patches of the driver, with a series file")
    parser.add_argument("--expectations", help="folder of *-fails.txt: failures and reasons")
    parser.add_argument("--rst", help="write the plan to this file")
    parser.add_argument("--html", help="write the plan to this file")
    parser.add_argument("--depfile", help="write what the plan was made of to this file")
    parser.add_argument("--scenarios", metavar="FILE",
                        help="write the scenarios, their subtests and own defects to this file")
    parser.add_argument("--fields", metavar="FILE",
                        help="write the fields of all subtests to this file")
    parser.add_argument("--lists", metavar="PREFIX", help="PREFIX.bat.testlist and the like")
    parser.add_argument("--write-lists", action="store_true", help="write them; else compare")
    return parser.parse_args()


class Plan:
    """All that is read, and what is wrong with it."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.config = blocks.Config(args.config)
        self.sources = [blocks.Source(path, self.config) for path in self.config.sources()]
        self.inputs = [args.config] + [source.path for source in self.sources]
        self.regressions = self._proofs(args.regressions)
        self.patches = self._proofs(args.patches)
        self.expected, files = (defects.expectations(args.expectations) if args.expectations
                                else ({}, []))
        self.inputs += files
        self.errors = [error for source in self.sources for error in source.errors]
        self.scenario_of = {f"{source}@{subtest.text}": subtest.get("Scenario")
                            for source, subtest in self.subtests()}
        self._check_fields()
        self._check_scenarios()
        self._check_proofs()

    def _proofs(self, folder: Optional[str]) -> list[defects.Proof]:
        proofs, files = defects.patches(folder) if folder else ([], [])
        self.inputs += files
        return proofs

    def subtests(self) -> Iterator[tuple[str, blocks.Entry]]:
        """Yields (name of the source, subtest) of all."""
        for source in self.sources:
            for subtest in source.subtests():
                yield source.name, subtest

    def names(self) -> list[str]:
        return [f"{source}@{subtest.text}" for source, subtest in self.subtests()]

    def own(self, proofs: list[defects.Proof], scenario: str) -> list[defects.Proof]:
        """The patches that only subtests of a scenario notice."""
        return [proof for proof in proofs if proof.scenario(self.scenario_of) == scenario]

    def _check_fields(self) -> None:
        for source, subtest in self.subtests():
            name = f"{subtest.where}: {source}@{subtest.text}"
            self.errors += [f"{name}: lacks the field {field}"
                            for field in self.config.mandatory if not subtest.get(field)]
            if not subtest.text.startswith(subtest.get("Feature") + "-"):
                self.errors.append(f"{name}: its name does not begin with its Feature")
            self.errors += [f"{name}: {fault}"
                            for fault in description_faults(subtest.get("Description"))]
            unknown = set(run_types(subtest)) - set(LISTS.values())
            self.errors += [f"{name}: Run type {word}: there is no such test list"
                            for word in sorted(unknown)]
        counts = collections.Counter(self.names())
        self.errors += [f"{name}: documented twice" for name, n in counts.items() if n > 1]

    def _check_scenarios(self) -> None:
        """Each subtest is of a scenario of its file, and each scenario has a subtest."""
        first: dict[str, str] = {}
        for source in self.sources:
            listed = {scenario.slug for scenario in source.scenarios}
            used = {subtest.get("Scenario") for subtest in source.subtests()}
            self.errors += [f"{subtest.where}: {source.name}@{subtest.text}: Scenario"
                            f" {subtest.get('Scenario')} is not in the list of the file"
                            for subtest in source.subtests()
                            if subtest.get("Scenario") not in listed | {""}]
            for scenario in source.scenarios:
                if scenario.slug not in used:
                    self.errors.append(f"{scenario.where}: scenario {scenario.slug}: no subtest"
                                       " is of it")
                if scenario.slug in first:
                    self.errors.append(f"{scenario.where}: scenario {scenario.slug}: is in"
                                       f" {first[scenario.slug]} too")
                first.setdefault(scenario.slug, source.name)

    def _check_proofs(self) -> None:
        known = set(self.names())
        for proof in self.regressions + self.patches:
            self.errors += [f"{proof.path}: {tag}: {name}: no such subtest is documented"
                            for tag, names in (("Caught-by", proof.subtests),
                                               ("Missed-by", proof.missed))
                            for name in names if name not in known]
            self.errors += [f"{proof.path}: {name}: both Caught-by and Missed-by"
                            for name in proof.missed if name in proof.subtests]
        self.errors += [f"{name}: is expected to fail, but not documented"
                        for name in self.expected
                        if name.startswith(OUR_TESTS) and name not in known]

    def compare(self, binaries: list[str]) -> None:
        """Compares the documentation with what the binaries list and describe."""
        paths = {os.path.basename(path): path for path in binaries}
        for source in self.sources:
            if source.name not in paths:
                self.errors.append(f"{source.path}: documented, but no such test is built")
                continue
            self._compare_names(source, paths[source.name])
            self._compare_descriptions(source, paths.pop(source.name))
        self.errors += [f"{path}: has no source in {self.config.folder}"
                        for path in paths.values()]

    def _compare_names(self, source: blocks.Source, binary: str) -> None:
        listed = ask(binary, "--list-subtests").split()
        documented = [subtest.text for subtest in source.subtests()]
        self.errors += [f"{source.path}: {name}: undocumented"
                        for name in listed if name not in documented]
        self.errors += [f"{source.path}: {name}: documented, but there is no such subtest"
                        for name in documented if name not in listed]

    def _compare_descriptions(self, source: blocks.Source, binary: str) -> None:
        pieces = DESCRIBED.split(ask(binary, "--describe"))
        described = {name: (where, " ".join(text.split())) for name, where, text
                     in zip(pieces[1::3], pieces[2::3], pieces[3::3])}
        for subtest in source.subtests():
            if subtest.text not in described:
                continue
            where, text = described[subtest.text]
            name = f"{subtest.where}: {source.name}@{subtest.text}"
            if text != subtest.get("Description"):
                self.errors.append(f"{name}: its Description is not its igt_describe(): {text}")
            if os.path.basename(where) != os.path.basename(source.path):
                self.errors.append(f"{name}: --describe finds it in {where}")


def description_faults(text: str) -> list[str]:
    leans = LEANS.match(text)
    faults = [f'its Description begins with "{leans.group(1)}"'] if leans else []
    if len(text) > DESCRIPTION_MAX:
        faults.append(f"its Description has {len(text)} characters, more than {DESCRIPTION_MAX}")
    return faults


def ask(binary: str, option: str) -> str:
    """What a test prints when it is given an option that runs no subtest."""
    done = subprocess.run([binary, option], stdout=subprocess.PIPE, check=True,
                          stdin=subprocess.DEVNULL, timeout=LIST_SECONDS)
    return done.stdout.decode()


def run_types(subtest: blocks.Entry) -> list[str]:
    return [word.strip() for word in subtest.get("Run type").split(",") if word.strip()]


# ---------------------------------------------------------------------------------------------
# The test lists of igt_runner

def test_list(plan: Plan, word: str) -> str:
    """The lines of a list: the folder is that of the binary below igt_runner's test root."""
    folder = os.path.basename(plan.config.folder)
    lines = [f"igt@{folder}/{source}@{subtest.text}\n"
             for source, subtest in plan.subtests() if word in run_types(subtest)]
    return ("# SPDX-License-Identifier: MIT\n# Copyright (C) 2026 The vmali authors\n#\n"
            f"# The subtests of Run type {word}, for igt_runner --test-list. Made from the\n"
            "# sources by `ninja testlists`.\n" + "".join(lines))


def lists(plan: Plan, prefix: str, write: bool) -> None:
    for name, word in LISTS.items():
        path = f"{prefix}.{name}.testlist"
        wanted = test_list(plan, word)
        if write:
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(wanted)
        elif not os.path.exists(path) or text_of(path) != wanted:
            plan.errors.append(f"{path}: not what the sources say: run `ninja testlists`")


def text_of(path: str) -> str:
    with open(path, encoding="utf-8") as handle:
        return handle.read()


# ---------------------------------------------------------------------------------------------
# Tables for scripts

def scenario_lines(plan: Plan) -> Iterator[str]:
    """Lines `scenario SLUG`, `subtest SLUG TEST@SUBTEST`, `own SLUG regressions|patches NAME`."""
    for source in plan.sources:
        for scenario in source.scenarios:
            yield f"scenario {scenario.slug}"
            for subtest in source.subtests():
                if subtest.get("Scenario") == scenario.slug:
                    yield f"subtest {scenario.slug} {source.name}@{subtest.text}"
            for folder, proofs in ("regressions", plan.regressions), ("patches", plan.patches):
                for proof in plan.own(proofs, scenario.slug):
                    yield f"own {scenario.slug} {folder} {proof.name}"


def field_lines(plan: Plan) -> Iterator[str]:
    """Lines `TEST@SUBTEST<tab>FIELD<tab>TEXT`."""
    for source, subtest in plan.subtests():
        for field, text in subtest.fields.items():
            yield f"{source}@{subtest.text}\t{field}\t{text}"


def write_lines(path: Optional[str], lines: Iterator[str]) -> None:
    if path:
        with open(path, "w", encoding="utf-8") as handle:
            handle.writelines(line + "\n" for line in lines)


# ---------------------------------------------------------------------------------------------
# The plan

def anchor(*words: str) -> str:
    return "-".join(word.replace("_", "-") for word in words)


def proof_link(kind: str, proof: defects.Proof) -> render.Link:
    return render.Link(f"{proof.name}: {proof.title}", anchor(kind, proof.name))


def proof_links(kind: str, proofs: list[defects.Proof], name: str) -> list[render.Link]:
    return [proof_link(kind, proof) for proof in proofs if name in proof.subtests]


def own_links(plan: Plan, scenario: str) -> list[render.Link]:
    """The defects that only a scenario catches."""
    if not scenario:
        return []
    return ([proof_link("defect", proof) for proof in plan.own(plan.regressions, scenario)] +
            [proof_link("patch", proof) for proof in plan.own(plan.patches, scenario)])


def subtest_links(plan: Plan, names: list[str]) -> list[render.Link]:
    return [render.Link(name, anchor(*name.split("@")))
            for name in names if name in plan.scenario_of]


def shown(values: list[Any]) -> list[Any]:
    """The fields that have a value."""
    return [(field, value) for field, value in values if value]


def subtest_fields(plan: Plan, test: blocks.Entry, source: str,
                   subtest: blocks.Entry) -> list[Any]:
    """What the plan says of a subtest: its fields, less those that its test has shown."""
    name = f"{source}@{subtest.text}"
    fields: list[Any] = [(field, [subtest.get(field)]) for field in FIRST]
    fields += [(field, [subtest.get(field)]) for field in plan.config.fields
               if field not in FIRST + ["Scenario"] and subtest.get(field) != test.get(field)]
    scenario = subtest.get("Scenario")
    if scenario:
        fields.append(("Scenario", [render.Link(scenario, anchor("scenario", scenario))]))
    fields.append(("Catches", proof_links("defect", plan.regressions, name)))
    fields.append(("Fixed by", proof_links("patch", plan.patches, name)))
    fields.append(("Own defects", own_links(plan, scenario)))
    if name in plan.expected:
        fields.append(("Fails", plan.expected[name]))
    return shown(fields)


def test_items(plan: Plan, source: blocks.Source, test: blocks.Entry) -> list[Any]:
    items: list[Any] = [
        ("heading", 2, test.text, anchor(source.name, test.subtests[0].text, "and-on")),
        ("text", test.get("Description")),
        ("fields", [("Test", [source.name])] +
         [(field, [test.get(field)]) for field in plan.config.fields
          if test.get(field) and field not in FIRST + ["Scenario"]])]
    for subtest in test.subtests:
        items.append(("heading", 3, subtest.text, anchor(source.name, subtest.text)))
        items.append(("fields", subtest_fields(plan, test, source.name, subtest)))
    return items


def scenario_items(plan: Plan) -> list[Any]:
    """The scenarios with their subtests and the defects that no other scenario catches."""
    items: list[Any] = [("heading", 2, "Scenarios", anchor("scenario", "list"))]
    for source in plan.sources:
        for scenario in source.scenarios:
            names = [f"{source.name}@{subtest.text}" for subtest in source.subtests()
                     if subtest.get("Scenario") == scenario.slug]
            items.append(("heading", 3, scenario.slug, anchor("scenario", scenario.slug)))
            items.append(("fields", shown([
                ("Failure mode", [scenario.text] if scenario.text else []),
                ("Subtests", subtest_links(plan, names)),
                ("Own defects", own_links(plan, scenario.slug) or ["none"])])))
    return items if len(items) > 1 else []


def proof_items(plan: Plan, kind: str, title: str, proofs: list[defects.Proof]) -> list[Any]:
    """A list of patches with the subtests that each one fails or fixes."""
    if not proofs:
        return []
    items: list[Any] = [("heading", 2, title, anchor(kind, "list"))]
    for proof in proofs:
        items.append(("heading", 3, proof.name, anchor(kind, proof.name)))
        scenario = proof.scenario(plan.scenario_of)
        items.append(("fields", shown([
            ("Subject", [proof.title]),
            ("Subtests", subtest_links(plan, proof.subtests)),
            ("Missed by", subtest_links(plan, proof.missed)),
            ("Own defect of", [render.Link(scenario, anchor("scenario", scenario))]
             if scenario else []),
            ("Only caught by", [proof.only] if proof.only else [])])))
    return items


def summary_table(plan: Plan) -> Any:
    """How many subtests each group has, and how many of the planted defects it catches."""
    groups: dict[str, list[str]] = {}
    for source, subtest in plan.subtests():
        groups.setdefault(subtest.text.split("-")[0], []).append(f"{source}@{subtest.text}")
    rows = []
    for group, names in groups.items():
        caught = [proof for proof in plan.regressions if set(proof.subtests) & set(names)]
        only = [proof for proof in caught if proof.only == group]
        rows.append([f"{group}-*", str(len(names)), str(len(caught)), str(len(only))])
    return ("table", ["subtests", "number", "planted defects caught", "that only they catch"],
            rows)


def document(plan: Plan) -> list[Any]:
    items: list[Any] = [("heading", 1, plan.config.name, None),
             ("text", f"{len(plan.names())} subtests, {len(plan.regressions)} planted defects of"
              f" kernel/regressions, {len(plan.patches)} changes of kernel/patches."),
             summary_table(plan)]
    for source in plan.sources:
        for test in source.tests:
            if test.subtests:
                items += test_items(plan, source, test)
    items += scenario_items(plan)
    items += proof_items(plan, "defect", "Planted defects", plan.regressions)
    return items + proof_items(plan, "patch", "Changes of the driver", plan.patches)


def write_plan(plan: Plan, args: argparse.Namespace) -> None:
    items = document(plan)
    outputs = [(args.rst, render.rst), (args.html, render.page)]
    for path, renderer in outputs:
        if path:
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(renderer(items))
    write_lines(args.scenarios, scenario_lines(plan))
    write_lines(args.fields, field_lines(plan))
    if args.depfile:
        names = [path.replace(" ", "\\ ") for path in plan.inputs]
        with open(args.depfile, "w", encoding="utf-8") as handle:
            handle.write(f"{args.rst}: {' '.join(names)}\n")


def main() -> None:
    args = options()
    plan = Plan(args)
    if args.test:
        plan.compare(args.test)
    if args.lists and not plan.errors:
        lists(plan, args.lists, args.write_lists)
    for error in plan.errors:
        print(f"testplan: {error}", file=sys.stderr)
    if plan.errors:
        sys.exit(1)
    write_plan(plan, args)


if __name__ == "__main__":
    main()
