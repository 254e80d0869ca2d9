#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# results.html in headless Chromium, of this machine: at 1300 and 400 pixels, with its filter. The page is
# made in the toolbox.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox tests/inside; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# Prints the page of a run with four subtests, of which one failed, with a picture of its address space.
page() {
	inside env PYTHONPATH="$REPO/lab" python3 -B -c '
import pathlib, tempfile
from report import page
from report.plan import Planned
from report.verdicts import Kind, Verdict
names = [("map-one", Kind.PASS, 0.1), ("map-two", Kind.SKIP, 0.2), ("evict-remap", Kind.FAIL, 0.5),
         ("evict-slow", Kind.PASS, 3.0)]
test = "panthor_vm_sparse_t"
verdicts = [Verdict(f"igt@panthor/{test}@{name}", kind.value.lower(), kind, seconds, ["words " * 40])
            for name, kind, seconds in names]
plan = {f"{test}@{name}": Planned("Bind. " * 30, "Lost pages.", name.split("-")[0])
        for name, _, _ in names}
part = "address spaces of evict-remap: begin\naddress spaces of evict-remap: end\n"
tests = {f"igt@panthor/{test}@evict-remap": {"out": part}}
with tempfile.TemporaryDirectory() as folder:
    tool = pathlib.Path(folder) / "panthor_vmas"
    tool.write_text("""#!/bin/sh
echo "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"300\" viewBox=\"0 0 960 300\">"
echo "<rect width=\"960\" height=\"300\"/></svg>"
""")
    tool.chmod(0o755)
    print(page.page(page.Run(1, {"stock": True}, verdicts, tests, plan=plan, vmas=tool)))'
}

# Where SHOTS names a folder, the screenshots are kept there.
filtered() {
	browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip 'no Chromium here: apt-get install chromium'
	command -v python3 >/dev/null 2>&1 || skip 'no python3 here: apt-get install python3'
	need_toolbox
	page >"$SCRATCH/page.html"
	timeout 300 python3 -B "$REPO/lab/tests/browser.py" "$browser" "$SCRATCH/page.html" \
		"${SHOTS:-$SCRATCH}"
}

check 'the page and its filter in a browser' filtered
checks_done
