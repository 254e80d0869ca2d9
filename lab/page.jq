# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# The results page: what ./run found, for people, as one HTML file without references to others.
# Goes behind results.jq and bench.jq (see results_report() in results.sh). The input is
# {metadata, verdicts, results, bench, log, reports, status, times}; null is what a run has not made:
#
#   metadata  metadata.json                      verdicts  verdicts.json, see results.jq
#   results   igt_runner's results.json          bench     bench.json, see bench.jq
#   log       the kernel log's last lines        reports   what it reported outside of subtests
#   times     the times of the stages, a line    status    exit status of ./run, a number

def style: "
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em;
       color: #1c1c1c; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; margin: .6em 0; }
th, td { text-align: left; vertical-align: top; padding: .2em .8em .2em 0;
         border-bottom: 1px solid #ddd; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f4f4f2; padding: .6em; overflow-x: auto; font-size: 13px; }
td.why { white-space: pre-line; }
.pass, .met { color: #1b6e3a; } .fail, .stale, .missed { color: #a8201a; font-weight: 600; }
.known, .flake, .skip, .not { color: #6b6200; }
.charts { display: flex; flex-wrap: wrap; gap: 1em; } .charts svg { width: 36em; max-width: 100%; }
svg text { font: 12px system-ui, sans-serif; fill: #1c1c1c; } svg .title { font-weight: 600; }
svg .tick { fill: #555; } svg .grid { stroke: #ddd; } svg polyline { fill: none; stroke-width: 2; }
svg .stock { stroke: #b4451f; fill: #b4451f; } svg .patched { stroke: #1f5f8b; fill: #1f5f8b; }
svg .stock polyline { stroke-dasharray: 6 4; }
@media print { details > * { display: block; } }";

def meaning:
  {"0": "no unexpected result", "1": "failures", "2": "usage or set-up error",
   "3": "nothing ran, or everything was skipped", "4": "a build failed",
   "5": "the guest or the model died", "6": "a deadline passed",
   "7": "an expectation is stale"}["\(.)"] // "unknown";

def cell($class): "<td class=\"\($class)\">\(. | xml)</td>";
def cell: "<td>\(. | xml)</td>";
def number_cell: cell("n");
def head: "<tr>\(map("<th>\(. | xml)</th>") | join(""))</tr>";

def fact($name): if . == "" then empty else "<tr><th>\($name | xml)</th>\(cell)</tr>" end;

def patch_names: map(split("/") | last) | join(", ");

def facts:
  (.metadata // {}) as $m
  | "<table>",
    ("\(.status): \(.status | meaning)" | fact("exit status")),
    ("\($m.kernel // "") (\($m.kernel_source // ""))" | fact("Linux")),
    (($m.patches // []) | patch_names | fact("patches")),
    (($m.params // []) | join(" ") | fact("parameters")),
    (($m.globs // []) | join(" ") | fact("selected by")),
    ((if $m.multiple_mode then "all subtests of a binary" else "" end) | fact("in one process")),
    ((if $m.linked_with == "standalone" then "lib/igt/standalone" else "" end)
     | fact("instead of libigt")),
    ("\($m.tlb // ""), \($m.accel // "")" | fact("TLB, accelerator")),
    ("\($m.igt // ""); \($m.qemu // "")" | fact("tools")),
    (($m.started // "") | fact("started")),
    (.times | fact("times")),
    "</table>";

# ------------------------------------------------------------------------------------------------
# Verdicts

def bad: .class == "fail" or .class == "stale";

# The dynamic subtests of a subtest, closed: some have hundreds.
def rows_details:
  if .rows == [] then ""
  else "<details><summary>\(.rows | length) row\(if (.rows | length) == 1 then "" else "s" end)</summary>"
    + (.rows | map("\(.name): \(.result)") | join("\n") | xml) + "</details>" end;

def verdict_row($single):
  "<tr id=\"\(.id | xml)\">\(name($single) | cell)\(.class as $class | shown | cell($class))"
  + "\(.seconds | hundredths | number_cell)"
  + "<td class=\"why\">\(.reason | join("\n") | xml)\(rows_details)</td></tr>";

def verdict_table($single):
  "<table>", (["subtest", "verdict", "time", "reason"] | head), (.[] | verdict_row($single)),
  "</table>";

# The last lines of what the kernel said during a subtest.
def kernel_excerpt($results):
  (($results.tests // {})[.id | ascii_downcase].dmesg // "") | lines | .[-40:];

def failure($results; $single):
  "<h3 class=\"\(.class)\">\(name($single) | xml): \(shown | xml)</h3>",
  (if (.reason | length) > 0 then "<pre>\(.reason | join("\n") | xml)</pre>" else empty end),
  (kernel_excerpt($results) | select(length > 0)
   | "<details><summary>kernel log</summary><pre>\(join("\n") | xml)</pre></details>");

def verdicts_section:
  .results as $results | .verdicts
  | (map(.test) | unique | length == 1) as $single
  | "<h2>Subtests</h2>", "<p>\(summary | xml)</p>",
    (map(select(bad)) | select(length > 0) | .[] | failure($results; $single)),
    "<details\(if any(bad) then "" else " open=\"open\"" end)><summary>all verdicts</summary>",
    verdict_table($single), "</details>";

# ------------------------------------------------------------------------------------------------
# Benchmarks

def goal_row:
  "<tr>\(.verdict as $v | $v | cell($v | split(" ")[0]))\(.name | cell)\(.wanted | cell)"
  + "\(.got | cell)\(.note | cell)</tr>";

def side_cells:
  if measured then ([.ns.min, .ns.median, .ns.max] | map(ms | number_cell) | join(""))
  else "<td colspan=\"3\">\(.status | xml)\(if .reason == "" then "" else ": " + (.reason | xml) end)</td>"
  end;

def memory_cell: (if .peak == null then "" else .peak / 1024 | number end) | number_cell;
def tables_cell: (if .tables == null then "" else "\(.tables.median | round)" end) | number_cell;

def bench_row:
  "<tr>\(.operation | cell)\(row_label | number_cell)\(.stock | side_cells)\(.patched | side_cells)"
  + "\(.time_ratio | number | number_cell)\(.stock | memory_cell)\(.patched | memory_cell)"
  + "\(.memory_ratio | number | number_cell)\(.stock | tables_cell)\(.patched | tables_cell)</tr>";

def bench_head:
  "<tr><th></th><th></th><th colspan=\"3\">stock, ms</th><th colspan=\"3\">patched, ms</th><th></th>"
  + "<th colspan=\"2\">kernel memory, KiB</th><th></th><th colspan=\"2\">page tables kept</th></tr>",
  "<tr><th>operation</th><th>range</th>"
  + (["min", "median", "max", "min", "median", "max", "ratio", "stock", "patched", "ratio", "stock",
      "patched"] | map("<th class=\"n\">\(.)</th>") | join("")) + "</tr>";

def reports_section($driver):
  .reports[$driver] | select(length > 0)
  | "<details><summary>kernel log of \($driver)</summary><pre>\(join("\n") | xml)</pre></details>";

def bench_section:
  .bench
  | "<h2>Benchmarks</h2>", "<p>\(board_line | xml)</p>",
    "<table>", (["verdict", "goal", "wanted", "measured", "note"] | head), (.goals[] | goal_row),
    "</table>",
    "<div class=\"charts\">", charts, "</div>",
    "<table>", bench_head, (.rows[] | bench_row), "</table>",
    reports_section("stock"), reports_section("patched");

# ------------------------------------------------------------------------------------------------

# Warnings of the kernel that belong to no subtest, and so to the run.
def outside_section:
  .reports | lines | select(length > 0)
  | "<h2>Reports of the kernel outside of any subtest</h2>",
    "<pre>\(.[:100] | join("\n") | xml)</pre>";

# The end of the kernel log, if the board died.
def log_section:
  select(.status == 5 or .status == 6) | .log | lines | select(length > 0)
  | "<h2>End of the kernel log</h2>", "<pre>\(.[-40:] | join("\n") | xml)</pre>";

def page:
  "<!DOCTYPE html>",
  "<html lang=\"en\"><head><meta charset=\"utf-8\"/>",
  "<meta name=\"viewport\" content=\"width=device-width\"/>",
  "<title>panthor on the virtual board: \(.status | meaning | xml)</title>",
  "<style>\(style)</style></head><body>",
  "<h1>panthor on the virtual board: \(.status | meaning | xml)</h1>",
  facts,
  (select(.verdicts != null) | verdicts_section),
  (select(.bench != null) | bench_section),
  outside_section,
  log_section,
  "</body></html>";
