# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The commits: which files, in which order, with which words.

A file that is new is taken as it is. lib/igt_panthor.[ch] of IGT stay what they are, but for the
functions of REPLACED: what they lack is added.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from igt_series import csource
from igt_series.csource import Item, Refused

UAPI = "include/drm-uapi/panthor_drm.h"
SPARSE = "DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE"
LIB_MESON = "lib/meson.build"
TESTS_MESON = "tests/panthor/meson.build"
PLAN_MESON = "docs/testplan/meson.build"
CONFIG = "tests/panthor/panthor_test_config.json"
REFERENCE = "docs/reference/igt-gpu-tools/igt-gpu-tools-docs.xml"
PANTHOR_C, PANTHOR_H = "lib/igt_panthor.c", "lib/igt_panthor.h"
CS_H = "lib/igt_panthor_cs.h"

COLUMNS = 72

# What a commit adds to lib/, in the words of a subject. A library without an entry has a plain one.
SUBJECTS = {
    "igt_fail_function": "Add error injection into kernel functions",
    "igt_fail_nth": "Add fault injection into slab allocations",
    "igt_kernel_memory": "Add memory figures of the kernel",
    "igt_knob": "Add kernel settings that are restored",
    "igt_memcg": "Add a memory cgroup of the test's own",
    "igt_panthor_cs": "Add a builder of command streams",
    "igt_panthor_debugfs": "Add readers of panthor's debugfs files",
    "igt_panthor_exec": "Add loads and stores by the GPU",
    "igt_panthor_replay": "Add the replay of random walks",
    "igt_panthor_shadow": "Add a model of mapped pages",
    "igt_panthor_sparse": "Add checks of sparse mappings",
    "igt_panthor_steps": "Add the steps of random walks",
    "igt_swap": "Add control of the swap areas",
    "igt_teardown": "Add undo functions of subtests",
    "igt_udmabuf": "Add dma-bufs of memory files",
}


@dataclass
class Commit:
    subject: str
    body: str
    files: dict[str, str] = field(default_factory=dict)

    def message(self) -> str:
        return f"{self.subject}\n\n{self.body.strip()}\n"


@dataclass(frozen=True)
class Change:
    """A commit to lib/igt_panthor.[ch]: these functions are those of this project from then on."""

    subject: str
    body: str
    replaced: tuple[str, ...]
    added: tuple[str, ...] = ()
    """Items that go in front of the first replaced function."""
    includes: tuple[str, ...] = ()


CHANGES = (
    Change(
        "lib/igt_panthor: Find shader cores above the 31st",
        "igt_panthor_get_first_core() passes a mask of 64 bits to ffs(), which takes an int: a "
        "GPU whose first core is above bit 31 seems to have none.",
        ("igt_panthor_get_first_core",),
    ),
    Change(
        "lib/igt_panthor: Unmap BOs that a failed subtest leaves behind",
        "A CPU mapping of a BO keeps the file of the device open after close(), and with it the "
        "VMs and BOs that a failed subtest has left. Register each mapping of "
        "igt_panthor_bo_create_mapped() with igt_teardown(). Assert that mmap() succeeds: so far "
        "a test crashed at its first access. igt_panthor_unmap_bo() removes a mapping and keeps "
        "the BO.",
        ("igt_panthor_bo_create_mapped", "igt_panthor_free_bo"),
        ("struct mapping", "mappings", "find_mapping", "unmap", "register_mapping",
         "forget_mapping", "igt_panthor_unmap_bo"),
        ("<stdlib.h>", "<sys/mman.h>", '"igt_core.h"', '"igt_teardown.h"'),
    ),
    Change(
        "lib/igt_panthor: Add wrappers of more ioctls, and waits for jobs",
        "Wrappers for batches of VM_BIND operations, queued binds, sparse ranges, states of VMs "
        "and groups, labels, dma-bufs, syncs and groups of several queues. Those whose name "
        "begins with two underscores return a negative errno. igt_panthor_job_wait() tells a job "
        "that ended well from one that faulted or hangs.",
        (),
    ),
    Change(
        "lib/igt_panthor: Give simple groups room for hundreds of jobs",
        "A job takes 128 bytes of its queue's ring. 4096 bytes hold 32 jobs, and the scheduler "
        "holds back all others until one of them has ended.",
        ("igt_panthor_group_create_simple",),
    ),
)


class Tree:
    """The tree of IGT, with what the commits so far have changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changed: dict[str, str] = {}

    def has(self, path: str) -> bool:
        return path in self.changed or (self.root / path).is_file()

    def read(self, path: str) -> str:
        if path in self.changed:
            return self.changed[path]
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Refused(f"it has no {path}") from None


def fill(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), COLUMNS, break_long_words=False,
                         break_on_hyphens=False)


# -------------------------------------------------------------------------------------------------
# Lists of the build and of the documentation


def _entry_added(text: str, begin: str, pattern: str, entry: str, name: str, what: str) -> str:
    """Puts ENTRY behind the last line of a list that PATTERN finds and whose name is below NAME."""
    lines = text.splitlines()
    try:
        first = next(n for n, line in enumerate(lines) if begin in line)
    except StopIteration:
        raise Refused(f"{what} has no `{begin}`") from None
    place, best = first, ""
    for n in range(first + 1, len(lines)):
        found = re.match(pattern, lines[n])
        if found and best <= found[1] < name:
            place, best = n, found[1]
        if lines[n].strip() in ("]", "</chapter>"):
            break
    lines.insert(place + 1, entry)
    return "\n".join(lines) + "\n"


def add_source(text: str, name: str) -> str:
    return _entry_added(text, "lib_sources = [", r"\s*'(igt_[\w]+)\.c',", f"\t'{name}.c',", name,
                        LIB_MESON)


def add_test(text: str, name: str) -> str:
    return _entry_added(text, "panthor_progs = [", r"\s*'(\w+)',", f"\t'{name}',", name,
                        TESTS_MESON)


def add_reference(text: str, name: str) -> str:
    return _entry_added(text, "<title>", r'\s*<xi:include href="xml/(igt_\w+)\.xml"/>',
                        f'    <xi:include href="xml/{name}.xml"/>', name, REFERENCE)


def add_plan(text: str) -> str:
    lines = text.splitlines()
    config = [n for n, line in enumerate(lines) if re.match(r"\w+_test_config = join_paths", line)]
    plans = [n for n, line in enumerate(lines) if line.startswith("testplans = ")]
    if not config or not plans:
        raise Refused(f"{PLAN_MESON} has no place for another plan")
    lines[plans[0] : plans[0]] = [
        "test_dict += {",
        "\t'panthor_tests': { 'input': panthor_test_config, 'extra_args': check_testlist }",
        "}",
        "",
    ]
    lines.insert(config[-1] + 1, "panthor_test_config = join_paths(source_root, 'tests', "
                                 "'panthor', 'panthor_test_config.json')")
    return "\n".join(lines) + "\n"


# -------------------------------------------------------------------------------------------------
# Words


def comments(text: str) -> Iterator[str]:
    """The block comments of a file, without their stars; a kernel-doc one begins with `*`."""
    for found in re.finditer(r"^/\*(\*?)(.*?)\*/", text, flags=re.S | re.M):
        lines = [re.sub(r"^ \* ?", "", line) for line in found[2].splitlines()]
        yield found[1] + "\n".join(lines).strip()


def head_of_library(header: str, source: str) -> str:
    """The first comment that stands alone in the header, else the text of the SECTION."""
    for comment in comments(header):
        if not comment.startswith("*") and "SPDX" not in comment and "Copyright" not in comment:
            return comment.split("\n\n")[0]
    section = next((c for c in comments(source) if "SECTION:" in c), "")
    return section.split("\n\n", 1)[1] if "\n\n" in section else ""


def _fields(block: str) -> dict[str, str]:
    """Fields of the TEST part of a documentation block."""
    part = re.split(r"^SUBTEST:", block, flags=re.M)[0]
    found: dict[str, str] = {}
    name = ""
    for line in part.lstrip("*").strip().splitlines():
        start = re.match(r"([A-Z][A-Za-z -]*): (.*)", line)
        if start:
            name = start[1]
            found[name] = start[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."


def body_of_test(source: str) -> str:
    """What a test file says of itself: its TEST blocks and its scenarios."""
    paragraphs = []
    for comment in comments(source):
        if comment.startswith("*TEST:"):
            about = _fields(comment)
            text = f"{_sentence(about['TEST'])} {about.get('Description', '')}"
            paragraphs.append(fill(text))
    scenarios = []
    for comment in comments(source):
        for found in re.finditer(r"^\d+\. ([a-z0-9-]+: .*?)(?=^\d+\. |\n\n|\Z)", comment + "\n\n",
                                 flags=re.S | re.M):
            scenarios.append(textwrap.fill(" ".join(found[1].split()), COLUMNS,
                                           initial_indent=" - ", subsequent_indent="   ",
                                           break_on_hyphens=False))
    if scenarios:
        paragraphs.append("The scenarios, and the failures that each one finds:")
        paragraphs.append("\n".join(scenarios))
    return "\n\n".join(paragraphs)


# -------------------------------------------------------------------------------------------------
# The commits


@dataclass
class Library:
    name: str
    files: list[Path]
    needs: set[str]


def _included(text: str) -> list[str]:
    return re.findall(r'^#include "(igt_\w+)\.h"', text, flags=re.M)


def libraries(folder: Path) -> list[Library]:
    """What lib/ consists of, each behind those that it includes."""
    found: dict[str, Library] = {}
    for header in sorted(folder.glob("igt_*.h")):
        found[header.stem] = Library(header.stem, [header], set())
    for source in sorted(folder.glob("igt_*.c")):
        owner = source.stem
        if owner not in found:
            # A library of several files: the source belongs to the first header that it includes.
            owner = next((name for name in _included(source.read_text()) if name in found), "")
        if not owner:
            raise Refused(f"lib/{source.name} includes no header of lib/")
        found[owner].files.append(source)
    for library in found.values():
        for file in library.files:
            library.needs |= {n for n in _included(file.read_text()) if n in found}
        library.needs.discard(library.name)
    ordered: list[Library] = []
    waiting = sorted(found.values(), key=lambda one: (one.name.startswith("igt_panthor"), one.name))
    while waiting:
        done = {one.name for one in ordered}
        ready = next((one for one in waiting if one.needs <= done), None)
        if ready is None:
            raise Refused("the headers of lib/ include each other in a circle")
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


def _users(repo: Path, name: str) -> str:
    files = [*repo.glob("lib/igt_*.[ch]"), *repo.glob("tests/panthor/*.c")]
    users = sorted({file.stem for file in files
                    if file.stem != name and name in _included(file.read_text())})
    if len(users) > 4:
        return f"Used by {', '.join(users[:3])} and {len(users) - 3} other files."
    return f"Used by {' and '.join(users)}." if users else ""


class Series:
    def __init__(self, repo: Path, tree: Tree, uapi: Path | None, kernel: str) -> None:
        self.repo = repo
        self.tree = tree
        self.uapi = uapi
        self.kernel = kernel
        self.commits: list[Commit] = []

    def make(self) -> list[Commit]:
        self._check()
        self._uapi()
        for library in libraries(self.repo / "lib"):
            if library.name == "igt_panthor":
                for change in CHANGES:
                    self._change(change)
            else:
                self._library(library)
        for test in sorted(self.repo.glob("tests/panthor/panthor_vm_*.c")):
            self._test(test)
        self._plan()
        return self.commits

    def _check(self) -> None:
        """Refuses a tree that lacks what the series builds upon."""
        for path in (UAPI, PANTHOR_C, PANTHOR_H, LIB_MESON, TESTS_MESON, PLAN_MESON):
            self.tree.read(path)
        if "igt_main()" not in self.tree.read("tests/panthor/panthor_vm.c"):
            raise Refused("it is older than IGT 2.3")
        csource.check_signatures(self.tree.read(PANTHOR_H), self._ours(PANTHOR_H))
        csource.check_signatures(self.tree.read(PANTHOR_H), self._ours(CS_H))

    def _ours(self, path: str) -> str:
        return (self.repo / path).read_text(encoding="utf-8")

    def _commit(self, subject: str, body: str, files: dict[str, str]) -> None:
        """Adds a commit of what differs from the tree so far; none if nothing does."""
        new = {path: text for path, text in files.items()
               if not self.tree.has(path) or self.tree.read(path) != text}
        if new:
            self.tree.changed.update(new)
            self.commits.append(Commit(subject, body, new))

    def _new(self, path: str) -> dict[str, str]:
        """A file of this project, which the tree must not have with another content."""
        text = self._ours(path)
        if self.tree.has(path) and self.tree.read(path) != text:
            raise Refused(f"it has another {path}")
        return {path: text}

    def _uapi(self) -> None:
        if SPARSE in self.tree.read(UAPI):
            return
        if self.uapi is None:
            raise Refused(f"its {UAPI} has no {SPARSE}")
        self._commit(
            "drm-uapi/panthor: Sync panthor uapi",
            fill(f"Take panthor_drm.h as headers_install of Linux {self.kernel} makes it. Sparse "
                 f"mappings ({SPARSE}) are in version 1.9 of the uAPI."),
            {UAPI: self.uapi.read_text(encoding="utf-8")},
        )

    def _library(self, library: Library) -> None:
        name = library.name
        files: dict[str, str] = {}
        meson = self.tree.read(LIB_MESON)
        sources = [file for file in library.files if file.suffix == ".c"]
        for file in library.files:
            files |= self._new(f"lib/{file.name}")
        for source in sources:
            if f"'{source.name}'" not in meson:
                meson = add_source(meson, source.stem)
        files[LIB_MESON] = meson
        if self.tree.has(REFERENCE) and any("SECTION:" in file.read_text() for file in sources):
            reference = self.tree.read(REFERENCE)
            if f"xml/{name}.xml" not in reference:
                files[REFERENCE] = add_reference(reference, name)
        if f"lib/{name}.h" == CS_H:
            files[PANTHOR_H] = self._header_without_streams()
        header = self._ours(f"lib/{name}.h")
        about = head_of_library(header, sources[0].read_text() if sources else "")
        body = [fill(paragraph) for paragraph in (about, _users(self.repo, name)) if paragraph]
        if f"lib/{name}.h" == CS_H:
            body.append(fill("The instructions of lib/igt_panthor.h move to the new header, which "
                             "has the same functions. Its tables of fields replace the bit "
                             "fields, whose order is up to the compiler."))
        self._commit(f"lib/{name}: {SUBJECTS.get(name, f'Add {name}')}", "\n\n".join(body), files)

    def _header_without_streams(self) -> str:
        """IGT's igt_panthor.h without what igt_panthor_cs.h has."""
        header = self.tree.read(PANTHOR_H)
        known = csource.names(self._ours(CS_H)) - {""}
        rest = csource.remove(header, known)
        uses = [item for item in csource.split(rest)
                if "cs_instr" in item.text and item.name != "struct cs_instr"]
        if not uses:
            rest = csource.remove(rest, {"struct cs_instr"})
        return csource.add_includes(rest, ['"igt_panthor_cs.h"'])

    def _change(self, change: Change) -> None:
        ours = {item.name: item for item in csource.split(self._ours(PANTHOR_C)) if item.name}
        source, header = self.tree.read(PANTHOR_C), self.tree.read(PANTHOR_H)
        if not change.replaced:
            source, header = self._rest(source, header)
        else:
            there = csource.names(source)
            early = [ours[name] for name in change.added
                     if name not in there and not name.startswith("igt_")]
            late = [ours[name] for name in change.added
                    if name not in there and name.startswith("igt_")]
            if early:
                source = csource.insert_before(source, change.replaced[0], early)
            for name in change.replaced:
                if name in there:
                    source = csource.replace(source, ours[name])
            for function in late:
                source = csource.insert_before(source, change.replaced[-1], [
                    Item(function.text, function.name, True)])
                header = csource.append_to_header(header, self._declared({function.name}))
            source = csource.add_includes(source, change.includes)
        self._commit(change.subject, fill(change.body), {PANTHOR_C: source, PANTHOR_H: header})

    def _declared(self, wanted: set[str]) -> list[Item]:
        return [item for item in csource.split(self._ours(PANTHOR_H)) if item.name in wanted]

    def _rest(self, source: str, header: str) -> tuple[str, str]:
        """Adds all that the tree's igt_panthor.[ch] lack."""
        declared = csource.names(header)
        wanted = [item for item in csource.split(self._ours(PANTHOR_H))
                  if item.name and item.name not in declared and item.name != "IGT_PANTHOR_H"]
        header = csource.append_to_header(header, wanted)
        # A function that is inline in the tree's header needs no second one.
        there = csource.names(source) | declared
        code = [item for item in csource.split(self._ours(PANTHOR_C))
                if item.name and item.name not in there]
        includes = re.findall(r"^#include (\S+)", self._ours(PANTHOR_C), flags=re.M)
        return csource.add_includes(csource.append(source, code), includes), header

    def _test(self, test: Path) -> None:
        path = f"tests/panthor/{test.name}"
        files = self._new(path)
        meson = self.tree.read(TESTS_MESON)
        if f"'{test.stem}'" not in meson:
            files[TESTS_MESON] = add_test(meson, test.stem)
        self._commit(f"tests/panthor/{test.stem}: New test",
                     body_of_test(files[path]), files)

    def _plan(self) -> None:
        files = self._new(CONFIG)
        plan = self.tree.read(PLAN_MESON)
        if "panthor_test_config" not in plan:
            files[PLAN_MESON] = add_plan(plan)
        self._commit(
            "docs/testplan: Add the plan of panthor's sparse mappings",
            fill("The documentation of the tests has fields of its own: the scenario that a "
                 "subtest belongs to, and the failure mode that it looks for. The build makes the "
                 "test plan of them, and the test lists bat and full of intel-ci-tests/panthor."),
            files,
        )


def cover(commits: list[Commit], base: str) -> str:
    """Subject and text of the cover letter."""
    tests = [c for c in commits if c.subject.endswith(": New test")]
    text = [
        "tests/panthor: Sparse mappings, as the GPU sees them",
        fill("Tests of panthor's sparse mappings (DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE) and of what "
             "surrounds them: eviction and restore, holes, queued binds, shared BOs, memory "
             "pressure, faults and resets. Command streams load and store through the mappings: "
             "what a subtest judges is what the GPU finds at an address, not what an ioctl "
             "returns."),
        fill(f"{len(tests)} tests are new. Each skips, with its reason, what the machine does not "
             "offer: debugfs, root, swap, fault injection. On released drivers some fail, since "
             "the driver has defects that they find."),
        fill("The libraries come first. Those that are not about panthor fit any test."),
        f"The series applies to {base}.",
    ]
    return "\n\n".join(text) + "\n"
