#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Checks the documentation of the subtests, and makes the test plan and the test lists of it.

The blocks in the sources are compared with what the binaries list (--test), with the fields that
are mandatory in the JSON file, and with the subtests that patches and expectations name. Nothing is
written if something is wrong; each fault is a line on standard error, and the exit status is 1.
"""

import argparse
import collections
import os
import subprocess
import sys

import blocks
import defects
import render

# What else expectations name, checks of a run as a whole and tests of IGT's, is none of the plan.
OUR_TESTS = "panthor_vm_sparse"
LISTS = {"bat": "BAT", "full": "FULL"}
LIST_SECONDS = 60


def options():
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
    parser.add_argument("--lists", metavar="PREFIX", help="PREFIX.bat.testlist and the like")
    parser.add_argument("--write-lists", action="store_true", help="write them; else compare")
    return parser.parse_args()


class Plan:
    """All that is read, and what is wrong with it."""

    def __init__(self, args):
        self.config = blocks.Config(args.config)
        self.sources = [blocks.Source(path, self.config) for path in self.config.sources()]
        self.inputs = [args.config] + [source.path for source in self.sources]
        self.regressions = self._proofs(args.regressions)
        self.patches = self._proofs(args.patches)
        self.expected, files = (defects.expectations(args.expectations) if args.expectations
                                else ({}, []))
        self.inputs += files
        self.errors = [error for source in self.sources for error in source.errors]
        self._check_fields()
        self._check_proofs()

    def _proofs(self, folder):
        proofs, files = defects.patches(folder) if folder else ([], [])
        self.inputs += files
        return proofs

    def subtests(self):
        """Yields (name of the source, subtest) of all."""
        for source in self.sources:
            for subtest in source.subtests():
                yield source.name, subtest

    def names(self):
        return [f"{source}@{subtest.text}" for source, subtest in self.subtests()]

    def _check_fields(self):
        for source, subtest in self.subtests():
            name = f"{subtest.where}: {source}@{subtest.text}"
            self.errors += [f"{name}: lacks the field {field}"
                            for field in self.config.mandatory if not subtest.get(field)]
            if not subtest.text.startswith(subtest.get("Feature") + "-"):
                self.errors.append(f"{name}: its name does not begin with its Feature")
            unknown = set(run_types(subtest)) - set(LISTS.values())
            self.errors += [f"{name}: Run type {word}: there is no such test list"
                            for word in sorted(unknown)]
        counts = collections.Counter(self.names())
        self.errors += [f"{name}: documented twice" for name, n in counts.items() if n > 1]

    def _check_proofs(self):
        known = set(self.names())
        for proof in self.regressions + self.patches:
            self.errors += [f"{proof.path}: Caught-by: {name}: no such subtest is documented"
                            for name in proof.subtests if name not in known]
        self.errors += [f"{name}: is expected to fail, but not documented"
                        for name in self.expected
                        if name.startswith(OUR_TESTS) and name not in known]

    def compare(self, binaries):
        """Compares the documentation with what the binaries list."""
        paths = {os.path.basename(path): path for path in binaries}
        for source in self.sources:
            if source.name not in paths:
                self.errors.append(f"{source.path}: documented, but no such test is built")
                continue
            listed = list_subtests(paths.pop(source.name))
            documented = [subtest.text for subtest in source.subtests()]
            self.errors += [f"{source.path}: {name}: undocumented"
                            for name in listed if name not in documented]
            self.errors += [f"{source.path}: {name}: documented, but there is no such subtest"
                            for name in documented if name not in listed]
        self.errors += [f"{path}: has no source in {self.config.folder}"
                        for path in paths.values()]


def list_subtests(binary):
    done = subprocess.run([binary, "--list-subtests"], stdout=subprocess.PIPE, check=True,
                          stdin=subprocess.DEVNULL, timeout=LIST_SECONDS)
    return done.stdout.decode().split()


def run_types(subtest):
    return [word.strip() for word in subtest.get("Run type").split(",") if word.strip()]


# ---------------------------------------------------------------------------------------------
# The test lists of igt_runner

def test_list(plan, word):
    """The lines of a list: the folder is that of the binary below igt_runner's test root."""
    folder = os.path.basename(plan.config.folder)
    lines = [f"igt@{folder}/{source}@{subtest.text}\n"
             for source, subtest in plan.subtests() if word in run_types(subtest)]
    return ("# SPDX-License-Identifier: MIT\n# Copyright (C) 2026 The vmali authors\n#\n"
            f"# The subtests of Run type {word}, for igt_runner --test-list. Made from the\n"
            "# sources by `ninja testlists`.\n" + "".join(lines))


def lists(plan, prefix, write):
    for name, word in LISTS.items():
        path = f"{prefix}.{name}.testlist"
        wanted = test_list(plan, word)
        if write:
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(wanted)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != wanted:
            plan.errors.append(f"{path}: not what the sources say: run `ninja testlists`")


# ---------------------------------------------------------------------------------------------
# The plan

def anchor(*words):
    return "-".join(word.replace("_", "-") for word in words)


def proof_links(kind, proofs, name):
    return [render.Link(f"{proof.name}: {proof.title}", anchor(kind, proof.name))
            for proof in proofs if name in proof.subtests]


def subtest_fields(plan, test, source, subtest):
    """What the plan says of a subtest: its fields, less those that its test has shown."""
    name = f"{source}@{subtest.text}"
    fields = [("Description", [subtest.get("Description")]), ("Failure mode", [subtest.get("Failure mode")])]
    fields += [(field, [subtest.get(field)]) for field in plan.config.fields
               if field not in ("Description", "Failure mode") and subtest.get(field) != test.get(field)]
    fields.append(("Catches", proof_links("defect", plan.regressions, name)))
    fields.append(("Fixed by", proof_links("patch", plan.patches, name)))
    if name in plan.expected:
        fields.append(("Fails", plan.expected[name]))
    return [(field, values) for field, values in fields if values]


def test_items(plan, source, test):
    items = [("heading", 2, test.text, anchor(source.name, test.subtests[0].text, "and-on")),
             ("text", test.get("Description")),
             ("fields", [("Test", [source.name])] +
              [(field, [test.get(field)]) for field in plan.config.fields
               if test.get(field) and field not in ("Description", "Failure mode")])]
    for subtest in test.subtests:
        items.append(("heading", 3, subtest.text, anchor(source.name, subtest.text)))
        items.append(("fields", subtest_fields(plan, test, source.name, subtest)))
    return items


def proof_items(plan, kind, title, proofs):
    """A list of patches with the subtests that each one fails or mends."""
    if not proofs:
        return []
    known = set(plan.names())
    items = [("heading", 2, title, anchor(kind, "list"))]
    for proof in proofs:
        items.append(("heading", 3, proof.name, anchor(kind, proof.name)))
        links = [render.Link(name, anchor(*name.split("@")))
                 for name in proof.subtests if name in known]
        fields = [("Subject", [proof.title]), ("Subtests", links),
                  ("Only caught by", [proof.only] if proof.only else [])]
        items.append(("fields", [field for field in fields if field[1]]))
    return items


def summary_table(plan):
    """How many subtests each group has, and how many of the planted defects it catches."""
    groups = collections.OrderedDict()
    for source, subtest in plan.subtests():
        groups.setdefault(subtest.text.split("-")[0], []).append(f"{source}@{subtest.text}")
    rows = []
    for group, names in groups.items():
        caught = [proof for proof in plan.regressions if set(proof.subtests) & set(names)]
        only = [proof for proof in caught if proof.only == group]
        rows.append([f"{group}-*", str(len(names)), str(len(caught)), str(len(only))])
    return ("table", ["subtests", "number", "planted defects caught", "that only they catch"],
            rows)


def document(plan):
    items = [("heading", 1, plan.config.name, None),
             ("text", f"{len(plan.names())} subtests, {len(plan.regressions)} planted defects of"
              f" kernel/regressions, {len(plan.patches)} changes of kernel/patches."),
             summary_table(plan)]
    for source in plan.sources:
        for test in source.tests:
            if test.subtests:
                items += test_items(plan, source, test)
    items += proof_items(plan, "defect", "Planted defects", plan.regressions)
    return items + proof_items(plan, "patch", "Changes of the driver", plan.patches)


def write_plan(plan, args):
    items = document(plan)
    outputs = [(args.rst, render.rst), (args.html, render.page)]
    for path, renderer in outputs:
        if path:
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(renderer(items))
    if args.depfile:
        names = [path.replace(" ", "\\ ") for path in plan.inputs]
        with open(args.depfile, "w", encoding="utf-8") as handle:
            handle.write(f"{args.rst}: {' '.join(names)}\n")


def main():
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
