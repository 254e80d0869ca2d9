#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# ./run --bench without a board: its options, and what lab/report makes of made-up measurements:
# medians, ratios, goals, exit statuses, table, curves and page. Runs in the toolbox, for its jq and
# python3.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2016,SC2034 # the libraries under test read these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-bench.sh
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options results bench; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

RESULTS_DIR=$SCRATCH/results WORK=$SCRATCH/work STATUSES='' STAGE_TIMES='boot 2.0 s' ACTION=bench
mkdir "$RESULTS_DIR" "$WORK"

# ---------------------------------------------------------------------------------------------
# Options

# parsed WANTED ARG…: action and form after parsing ARG….
parsed() {
	parsed_wanted=$1
	shift
	options_parse "$@"
	same "$parsed_wanted" "$ACTION $BENCH"
}

# refused PATTERN ARG…
refused() {
	refused_line=$1
	shift
	fails_with 2 "run: $refused_line" options_parse "$@"
}

check '--bench' parsed 'bench full' --bench
check '--bench=short' parsed 'bench short' --bench=short
check '--bench with patches' parsed 'bench full' --bench --patch "$REPO/README.md"
check '--bench=long' refused '--bench=long: no such option*' --bench=long
check '--bench and a pattern' refused '--bench runs no subtest*' --bench 'evict-*'
check '--bench and a test' refused '--bench runs no subtest*' --bench --test panthor_vm
check '--bench and --stock' refused '--bench and --stock exclude*' --bench --stock
check '--bench and --trace' refused '--bench and --trace exclude*' --bench --trace "$SCRATCH/t"
check '--bench and --list' refused '--bench and --list exclude*' --bench --list

# ---------------------------------------------------------------------------------------------
# Made-up measurements

# point OPERATION SIZE COUNT NS MEMORY TABLES: a point that was measured; NS is a JSON list, MEMORY
# the most kernel memory that the statistics showed, TABLES that of page tables.
point() {
	jq -n --arg operation "$1" --argjson size "$2" --argjson count "$3" --argjson ns "$4" \
		--argjson kernel "$5" --argjson tables "$6" '
		{$operation, $size, $count, status: "measured", reason: "", $ns,
		 memory: [{samples: 3, peak_kernel: 0, kept_kernel: 0, peak_available: 0,
			   peak_tables: 1, kept_tables: 1},
			  {samples: 3, peak_kernel: $kernel, kept_kernel: 0, peak_available: 0,
			   peak_tables: $tables, kept_tables: 1}]}'
}

# unmeasured OPERATION SIZE COUNT STATUS REASON [NS]
unmeasured() {
	jq -n --arg operation "$1" --argjson size "$2" --argjson count "$3" --arg status "$4" \
		--arg reason "$5" --argjson ns "${6:-[]}" \
		'{$operation, $size, $count, $status, $reason, $ns, memory: []}'
}

# boot DRIVER [REPORT]: a boot of DRIVER, out of the points on stdin.
boot() {
	jq -s --arg driver "$1" --arg report "${2:-}" '
		{$driver, reports: ($report | if . == "" then [] else [.] end),
		 results: {kernel: "7.3.4", machine: "x86_64", driver: "1.9.0", dummy: "huge",
			   memory: 4294967296, complete: true, points: .}}'
}

# compare PATCHES: makes bench.json, the table and exit statuses of the boots on stdin; keeps those in
# $WORK/boots.json. Each has the folder that a boot leaves.
compare() {
	cat >"$WORK/boots.new"
	mv "$WORK/boots.new" "$WORK/boots.json"
	rm -rf "$RESULTS_DIR/bench"
	compare_n=0
	jq -c . "$WORK/boots.json" >"$WORK/boots"
	while IFS= read -r compare_boot; do
		compare_n=$((compare_n + 1))
		compare_folder=$RESULTS_DIR/bench/$(printf '%s' "$compare_boot" | jq -r .driver)-$compare_n
		mkdir -p "$compare_folder"
		printf '%s' "$compare_boot" | jq .results >"$compare_folder/bench.json"
		printf '%s' "$compare_boot" | jq -r '.reports[]' >"$compare_folder/reports.txt"
	done <"$WORK/boots"
	results_python bench "$RESULTS_DIR" --patches "$1" --statuses "$WORK/statuses" >"$WORK/table"
}

# ask FILTER: what a filter prints of bench.json.
ask() {
	jq -rc "$1" "$RESULTS_DIR/bench.json"
}

gib=1073741824 tib=1099511627776

# Restores of 1024 to 65536 VMAs at $1 ns for each, and $2 ns for each pair of them.
restores() {
	for restores_n in 1024 2048 4096 8192 16384 32768 65536; do
		point restore-vmas 4096 "$restores_n" \
			"[$((restores_n * $1 + restores_n * restores_n * $2))]" 8192 2
	done
}

# Two boots of each: stock refuses 1 TiB, and more than 16384 VMAs are too many for it.
whole() {
	for whole_time in 4000000000 2000000000; do
		{
			point bind 2097152 1 '[1000, 3000, 2000]' 0 1
			point bind $((1022 * gib)) 1 "[$whole_time]" 2000000000 512000
			unmeasured bind "$tib" 1 refused 'Cannot allocate memory' '[5000]'
			restores 1000 20 | jq 'select(.count <= 16384)'
			unmeasured restore-vmas 4096 32768 not-tried 'a round may take 90 s'
		} | boot stock 'WARNING: at <order>'
		{
			point bind 2097152 1 '[500]' 0 1
			point bind $((1022 * gib)) 1 '[100000000]' 0 1025
			point bind "$tib" 1 '[110000000, 90000000]' 100 1027
			unmeasured bind $((128 * tib)) 1 refused 'Argument list too long' '[400000]'
			restores 1000 0
		} | boot patched
	done | compare 3
}

# ---------------------------------------------------------------------------------------------
# Numbers

spreads() {
	whole
	same '{"min":1000,"median":2000.0,"max":3000,"count":6}' \
		"$(ask '.rows[] | select(.size == 2097152) | .stock.ns')"
	same '{"min":2000000000,"median":3000000000.0,"max":4000000000,"count":2}' \
		"$(ask '.rows[] | select(.size == 1022 * 1073741824) | .stock.ns')"
}

# Memory: the most that was seen, of page tables where they are more; a page at least.
peaks() {
	whole
	same 2097152000 "$(ask '.rows[] | select(.size == 1022 * 1073741824) | .stock.peak')"
	same 4096 "$(ask '.rows[] | select(.size == 2097152) | .patched.peak')"
}

ratios() {
	whole
	same '4.0 1.0' "$(ask '.rows[] | select(.size == 2097152) | "\(.time_ratio) \(.memory_ratio)"')"
	same '30.0' "$(ask '.rows[] | select(.size == 1022 * 1073741824) | .time_ratio')"
	same 'null null' "$(ask '.rows[] | select(.size == 1099511627776) |
		"\(.time_ratio) \(.memory_ratio)"')"
}

# A row that one driver has no point for, or was measured in one of its boots only.
partial() {
	{
		point bind 4096 1 '[10]' 0 1 | boot stock
		unmeasured bind 4096 1 not-tried 'too slow' | boot stock
		point punch 4096 8 '[10]' 0 1 | boot patched
	} | compare 1
	same 'measured 1' "$(ask '.rows[0].stock | "\(.status) \(.ns.count)"')"
	same 'missing not measured' "$(ask '.rows[0].patched | "\(.status) \(.reason)"')"
	same 'missing 10' "$(ask '.rows[1] | "\(.stock.status) \(.patched.ns.median)"')"
	same 3 "$(cat "$WORK/statuses")"
}

# ---------------------------------------------------------------------------------------------
# Goals

# goals_are VERDICT…: the verdicts of all goals, in order, a word each.
goals_are() {
	same "$*" "$(ask '[.goals[].verdict | sub(" "; "-")] | join(" ")')"
}

goals_met() {
	whole
	goals_are met met met met met
	same '499 times' "$(ask '.goals[0].got')"
	same '30 times' "$(ask '.goals[1].got')"
	same 'stock: 1022 GiB, the largest that it binds' "$(ask '.goals[0].note')"
	same 'refused in 0.4 ms' "$(ask '.goals[2].got')"
	same '329 times' "$(ask '.goals[3].got')"
	same 2 "$(ask '.goals[4].got')"
	same '' "$(cat "$WORK/statuses")"
}

# with FILTER: the same measurements, of which FILTER changed the patched driver's points.
with() {
	whole
	jq "select(.driver == \"patched\") |= (.results.points[] |= ($1))" "$WORK/boots.json" |
		compare 3
}

goals_missed() {
	with 'if .operation == "bind" and .size == 1099511627776 then .memory[1].peak_tables *= 5
		else . end'
	goals_are missed met met met met
	same 1 "$(cat "$WORK/statuses")"
	with 'if .operation == "bind" then .ns[] *= 4 else . end'
	goals_are met missed met met met
	with 'if .size > 1099511627776 then .ns[] = 1100000000 else . end'
	goals_are met met missed met met
	with 'if .size > 1099511627776 then .status = "measured" | .ns[] = 10100000000 else . end'
	goals_are met met missed met met
	with 'if .count <= 16384 then .ns[] *= 7 else . end'
	same missed "$(ask '.goals[3].verdict')"
	with 'if .count == 65536 then .ns[] *= 1.2 else . end'
	goals_are met met met met missed
	same 'at N = 32768' "$(ask '.goals[4].note')"
}

# A patched driver that refuses 1 TiB misses the goal, however little it takes.
goals_refused() {
	with 'if .size == 1099511627776 then .status = "refused" | .reason = "no" else . end'
	goals_are missed missed met met met
}

# What was not measured is not judged; what was tells more than what was not.
goals_open() {
	with 'if .count == 65536 then .status = "not-tried" else . end'
	goals_are met met met met not-judged
	same 'measured up to 32768 only' "$(ask '.goals[4].note')"
	same '' "$(cat "$WORK/statuses")"
	jq 'select(.driver == "stock").results.points |= map(select(.size < 1073741824))' \
		"$WORK/boots.json" | compare 3
	same 'stock could bind nothing of 512 GiB or more' "$(ask '.goals[0].note')"
}

goals_without_patches() {
	whole
	compare 0 <"$WORK/boots.json"
	goals_are not-judged not-judged not-judged not-judged not-judged
	same '' "$(cat "$WORK/statuses")"
}

nothing() {
	: | compare 1
	same 3 "$(cat "$WORK/statuses")"
	grep -q '^no results$' "$WORK/table"
}

# ---------------------------------------------------------------------------------------------
# For people

table_lines() {
	whole
	cat "$WORK/table"
	grep -q -E '^bind +2 MiB +0\.001 +0\.002 +0\.003 +0\.001 +0\.001 +0\.001 +4 ' "$WORK/table"
	grep -q -E '^bind +1 TiB +refused +90 +100 +110 ' "$WORK/table"
	grep -q -E '^restore-vmas +4 KiB x 1024 ' "$WORK/table"
	grep -q '^stock: bind of 1 TiB refused: Cannot allocate memory$' "$WORK/table"
	grep -q '^Linux 7.3.4, panthor 1.9.0, 4096 MiB.* 2 stock, 2 patched$' "$WORK/table"
	grep -q -E '^met +kernel memory of .* 499 times +goal: 100 times less; ' "$WORK/table"
}

# page_holds PATTERN…: results.html has a line like each of these.
page_holds() {
	results_page
	for page_pattern; do
		grep -q -e "$page_pattern" "$RESULTS_DIR/results.html" || {
			echo "no line like: $page_pattern"
			return 1
		}
	done
}

page_of_benchmarks() {
	whole
	page_holds '<title>Sparse bind: time by range</title>' '<td class="good">met</td>' \
		'>1 TiB</text>' '<td colspan="3">refused: Cannot allocate memory</td>' \
		'WARNING: at &lt;order&gt;'
	same 3 "$(grep -c '<svg ' "$RESULTS_DIR/results.html")"
}

# The first curve's medians: each ten times more is the same way up, from left to right.
curve() {
	{
		for curve_n in 1 10 100; do
			point bind $((curve_n * 4096)) 1 "[$((curve_n * 1000))]" 0 1
		done | boot stock
	} | compare 1
	same '90.0,300.0 349.0,172.0 608.0,44.0' \
		"$(results_page && sed -n 's/.*<polyline points="\([^"]*\)".*/\1/p' \
			"$RESULTS_DIR/results.html" | head -n 1)"
}

page_of_a_suite() {
	ACTION=run
	rm -f "$RESULTS_DIR"/*.json
	echo '{"kernel": "7.3.4", "patches": ["/a/b/fix.patch"]}' >"$RESULTS_DIR/metadata.json"
	cat >"$RESULTS_DIR/verdicts.json" <<'JSON'
[{"id": "igt@panthor/t@good", "test": "panthor/t", "subtest": "good", "result": "pass",
  "seconds": 0.25, "rows": [], "class": "pass", "kind": "Pass", "reason": []},
 {"id": "igt@panthor/t@Bad", "test": "panthor/t", "subtest": "Bad", "result": "fail",
  "seconds": 1, "rows": [{"name": "<r>", "result": "fail"}], "class": "fail", "kind": "Fail",
  "reason": ["a < b"]}]
JSON
	cat >"$RESULTS_DIR/results.json" <<'JSON'
{"tests": {"igt@panthor/t@bad": {"dmesg": "<4> first\n<4> WARNING: & more"}}}
JSON
	page_holds '<h3 class="bad">Bad: Fail</h3>' '<pre>a &lt; b</pre>' \
		'WARNING: &amp; more' '<li class="good">1 Pass</li>' '<li class="bad">1 Fail</li>' \
		'<th>patches</th><td>fix.patch</td>' '<td class="n">0.25 s</td>' '1 row<.*&lt;r&gt;: fail'
	! grep -q -e Benchmarks -e 'End of the kernel log' "$RESULTS_DIR/results.html"
}

# Of a board that died, the end of its log.
page_of_a_death() {
	ACTION=run
	rm -f "$RESULTS_DIR"/*.json
	printf 'one\nKernel panic <now>\n' >"$RESULTS_DIR/kernel.log"
	echo '<4> WARNING: early' >"$WORK/splats"
	STATUSES=' 5'
	page_holds '<h1>.*: the guest or the model died</h1>' 'Kernel panic &lt;now&gt;' \
		'<h2>Reports of the kernel outside' '&lt;4&gt; WARNING: early'
}

check 'least, middle and largest, over all boots' spreads
check 'the most memory that was seen' peaks
check 'ratios' ratios
check 'rows that are not complete' partial
check 'goals: all met' goals_met
check 'goals: each one missed' goals_missed
check 'goals: 1 TiB refused' goals_refused
check 'goals: not measured' goals_open
check 'goals: without patches' goals_without_patches
check 'no boot left results' nothing
check 'the table' table_lines
check 'the curves' curve
check 'the page of benchmarks' page_of_benchmarks
check 'the page of a suite' page_of_a_suite
check 'the page of a board that died' page_of_a_death

checks_done
