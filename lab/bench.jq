# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# The benchmarks of ./run --bench, side by side: a driver without its patches (stock) and with them
# (patched). Goes behind results.jq (see results_report() in results.sh). The input of compared() is
# a list of boots
#
#   {driver, reports, results}
#
# where `driver` is stock or patched, `reports` what the kernel's log reported and `results` what
# benchmarks/panthor_sparse_bind wrote. Its output, bench.json, is the input of all that follows:
#
#   {boards: {stock, patched},    kernel, machine and so on of the first boot of each
#    reports: {stock, patched},   what the kernel's log reported
#    rows: [{operation, size, count, stock, patched, time_ratio, memory_ratio}],
#    goals: [{name, wanted, got, verdict, note}]}
#
# A side of a row is {status, reason, ns, peak, tables}: durations in nanoseconds and page tables
# kept as {min, median, max, count}, and the most kernel memory in use that was seen, in bytes; null
# if there is none. A ratio is how many times less the patched driver takes, in time by the medians.
# A goal's verdict is met, missed or not judged.

# ------------------------------------------------------------------------------------------------
# Statistics

# Of a list of numbers; null if there are none.
def spread:
  sort
  | if length == 0 then null
    else {min: .[0], median: ((.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2),
          max: .[-1], count: length} end;

# Page tables are counted, the rest is a statistic that lags behind: the larger is the truth.
def peak: [.peak_kernel, .peak_tables * 4096, 0] | max;

def identity: {operation, size, count};

# One driver's side of the row $key, out of all points of all its boots.
def side($key):
  map(select(identity == $key)) as $points
  | ($points | map(select(.status == "measured"))) as $measured
  | (if ($measured | length) > 0 then $measured else $points end) as $from
  | {status: ($from[0].status // "missing"), reason: ($from[0].reason // "not measured"),
     ns: ($from | map(.ns[]) | spread),
     peak: ($measured | map(.memory[] | peak) | max),
     tables: ($measured | map(.memory[].kept_tables) | spread)};

def measured: .status == "measured" and .ns != null;

# How many times less: of times by the medians; of memory, where less than a page is a page.
def time_ratio($a; $b): if $a == null or $b == null then null else $a.median / $b.median end;

def memory_ratio($a; $b):
  if $a == null or $b == null then null else ([$a, 4096] | max) / ([$b, 4096] | max) end;

def with_ratios:
  (.stock | measured) as $stock | (.patched | measured) as $patched
  | .time_ratio = null | .memory_ratio = null
  | if $stock and $patched then
      .time_ratio = time_ratio(.stock.ns; .patched.ns)
      | .memory_ratio = memory_ratio(.stock.peak; .patched.peak)
    else . end;

def rows_of($stock; $patched):
  reduce ($stock + $patched | map(identity))[] as $row
    ([]; if index([$row]) then . else . + [$row] end)
  | map(. as $key | . + {stock: ($stock | side($key)), patched: ($patched | side($key))}
        | with_ratios);

# ------------------------------------------------------------------------------------------------
# Goals

def tib: 1099511627776;
def gib: 1073741824;

def number:
  if . == null then "" elif . >= 100 then round else . * 10 | round / 10 end | tostring;

def precise: . * 100 | round / 100 | tostring;

def size_label:
  if . >= tib and . % tib == 0 then "\(. / tib) TiB"
  elif . >= gib and . % gib == 0 then "\(. / gib) GiB"
  elif . >= 1048576 and . % 1048576 == 0 then "\(. / 1048576) MiB"
  elif . >= 1024 then "\(. / 1024 | floor) KiB"
  else "\(.) B" end;

# Milliseconds, three digits at least.
def ms:
  . / 1e6
  | if . >= 100 then round elif . >= 10 then . * 10 | round / 10
    elif . >= 1 then . * 100 | round / 100 else . * 1000 | round / 1000 end
  | tostring;

def goal($name; $wanted): {name: $name, wanted: $wanted, got: "", verdict: "not judged", note: ""};

def judged($got; $met; $note):
  .got = $got | .verdict = (if $met then "met" else "missed" end) | .note = $note;

# 1 TiB with the patches against the largest range that stock can bind, which must be 512 GiB at
# least: stock may refuse 1 TiB, and nothing is gained by comparing it with what it does refuse.
def range_goal($rows; ratio; $name; $times):
  goal("\($name) of a sparse bind of 1 TiB"; "\($times) times less")
  | ($rows | map(select(.operation == "bind" and .size <= tib))) as $binds
  | (first($binds[] | select(.size == tib)) // null) as $row
  | (last($binds[] | select((.stock | measured) and .size >= 512 * gib)) // null) as $stock
  | if $row == null then .note = "1 TiB was not measured"
    elif ($row.patched | measured | not) then judged($row.patched.status; false; $row.patched.reason)
    elif $stock == null then .note = "stock could bind nothing of 512 GiB or more"
    else ({stock: $stock.stock, patched: $row.patched} | ratio) as $ratio
    | if $ratio == null then .note = "not sampled"
      else judged("\($ratio | number) times"; $ratio >= $times;
             if $stock.size == tib then ""
             else "stock: \($stock.size | size_label), the largest that it binds" end) end end;

# Bound within seconds, or refused at once.
def whole_goal($rows):
  goal("sparse bind of all user addresses"; "10 s at most, or refused within 1 s")
  | (first($rows[] | select(.operation == "bind" and .size > tib)) // null) as $row
  | if $row == null then .note = "not measured"
    elif $row.patched.ns == null then .note = "\($row.patched.status): \($row.patched.reason)"
    elif ($row.patched | measured) then
      judged("\($row.patched.ns.max | ms) ms"; $row.patched.ns.max <= 1e10; $row.size | size_label)
    else judged("refused in \($row.patched.ns.max | ms) ms"; $row.patched.ns.max <= 1e9;
           $row.patched.reason) end;

def restores($rows): $rows | map(select(.operation == "restore-vmas")) | sort_by(.count);

def restore_goal($rows):
  goal("restore of 16384 VMAs, time"; "50 times less")
  | (first(restores($rows)[] | select(.count == 16384)) // null) as $row
  | if $row == null or $row.time_ratio == null then
      .note = "not measured on both"
    else judged("\($row.time_ratio | number) times"; $row.time_ratio >= 50; "") end;

# The worst step of all that double the number, from 1024, where it outweighs what does not depend
# on it, up to 65536. By the least times: what other work on the host adds grows with nothing.
def linear_goal($rows):
  goal("restore, time of 2N VMAs to that of N"; "2.2 at most, 1024 to 65536")
  | (restores($rows) | map(select(.count >= 1024 and (.patched | measured)))) as $steps
  | [range(1; $steps | length) as $i
     | {n: $steps[$i - 1].count,
        ratio: ($steps[$i].patched.ns.min / $steps[$i - 1].patched.ns.min)}] as $ratios
  | ($ratios | max_by(.ratio)) as $worst
  | if ($steps | length) < 2 then .note = "not measured"
    elif $worst.ratio > 2.2 then judged($worst.ratio | precise; false; "at N = \($worst.n)")
    elif $steps[-1].count < 65536 then
      .got = ($worst.ratio | precise) | .note = "measured up to \($steps[-1].count) only"
    else judged($worst.ratio | precise; true; "at N = \($worst.n)") end;

def goals_of($rows; $patches):
  [range_goal($rows; memory_ratio(.stock.peak; .patched.peak); "kernel memory"; 100),
   range_goal($rows; time_ratio(.stock.ns; .patched.ns); "time"; 10),
   whole_goal($rows), restore_goal($rows), linear_goal($rows)]
  | if $patches > 0 then . else map(.verdict = "not judged" | .note = "no patches to judge") end;

def board: if . == null then null else .results | {kernel, machine, driver, dummy, memory} end;

def compared($boots; $patches):
  ($boots | map(select(.driver == "stock"))) as $stock
  | ($boots | map(select(.driver == "patched"))) as $patched
  | rows_of($stock | map(.results.points[]); $patched | map(.results.points[])) as $rows
  | {boards: {stock: ($stock[0] | board), patched: ($patched[0] | board)}, patches: $patches,
     boots: {stock: ($stock | length), patched: ($patched | length)},
     reports: {stock: ($stock | map(.reports[])), patched: ($patched | map(.reports[]))},
     rows: $rows, goals: goals_of($rows; $patches)};

# The exit statuses of ./run that the comparison asks for.
def bench_statuses:
  (if any(.goals[]; .verdict == "missed") then 1 else empty end),
  (if any(.rows[]; (.stock | measured) and (.patched | measured)) then empty else 3 end);

# ------------------------------------------------------------------------------------------------
# The table

def right($width): (" " * ([$width - length, 0] | max)) + .;

def time_columns:
  if measured then [.ns.min, .ns.median, .ns.max] | map(ms | right(9)) | join("")
  else .status | right(27) end;

def memory_column: if .peak == null then "" else .peak / 1024 | number end | right(10);

def row_label: "\(.size | size_label)\(if .count > 1 then " x \(.count)" else "" end)";

def table_line:
  (.operation | padded(14)) + (row_label | right(15)) + (.stock | time_columns)
  + (.patched | time_columns) + (.time_ratio | number | right(8))
  + (.stock | memory_column) + (.patched | memory_column) + (.memory_ratio | number | right(8));

def table_head:
  (" " * 29) + ("stock, ms" | right(27)) + ("patched, ms" | right(27)) + ("" | right(8))
  + ("kernel memory, KiB" | right(20)) + "",
  ("operation" | padded(14)) + ("range" | right(15))
  + (["min", "median", "max", "min", "median", "max"] | map(right(9)) | join(""))
  + ("ratio" | right(8)) + ("stock" | right(10)) + ("patched" | right(10)) + ("ratio" | right(8));

# An unbind that was not measured has the reason of its bind.
def reasons_of($driver):
  .rows[] | select(.operation != "unbind") | row_label as $row | .operation as $operation
  | .[$driver] | select(.reason != "" and .status != "measured")
  | "\($driver): \($operation) of \($row) \(.status): \(.reason)";

def board_line:
  (.boards.patched // .boards.stock) as $board
  | if $board == null then "no results" else
    "Linux \($board.kernel), panthor \($board.driver), \($board.memory / 1048576 | round) MiB, "
    + "dummy object of \(if $board.dummy == "huge" then "one huge page" else "small pages" end), "
    + "\(.patches) \(if .patches == 1 then "patch" else "patches" end); "
    + "boots: \(.boots.stock) stock, \(.boots.patched) patched" end;

def table:
  table_head, (.rows[] | table_line), "", reasons_of("stock"), reasons_of("patched"), board_line;

def goals:
  .goals[] | (.verdict | padded(12)) + (.name | padded(42)) + (.got | padded(22))
  + "goal: \(.wanted)" + (if .note == "" then "" else "; \(.note)" end);

# ------------------------------------------------------------------------------------------------
# Curves: SVG, both axes logarithmic

def chart_box: {left: 78, right: 620, top: 44, bottom: 300, width: 640, height: 350};

def tenth: . * 10 | round / 10;

# From the logarithm of a value to a coordinate.
def place($domain; $from; $to):
  $from + ((. | log2) - ($domain[0] | log2)) / (($domain[1] | log2) - ($domain[0] | log2))
          * ($to - $from) | tenth;

def time_ticks: [range(0; 13) as $i | {value: pow(10; $i),
  text: "\(pow(10; $i % 3)) \(["ns", "µs", "ms", "s", "ks"][$i / 3 | floor])"}];

def byte_ticks: [range(8; 45; 4) as $i | {value: pow(2; $i), text: (pow(2; $i) | size_label)}];

# The ticks around all values, two at least.
def ticks_around($low; $high):
  (map(select(.value <= $low)) | last // {value: 1}) as $from
  | (map(select(.value >= $high)) | first // last) as $to
  | map(select(.value >= $from.value and .value <= $to.value)) as $some
  | if ($some | length) >= 2 then $some
    else map(select(.value >= $from.value)) | .[:2] end;

# Labels of the x axis that have room: 50 pixels from one to the next. The last one is shown.
def with_room:
  reduce reverse[] as $tick ([]; if length > 0 and .[-1].x - $tick.x < 50 then .
                                 else . + [$tick] end);

def tick_text($anchor; $x; $y):
  "<text class=\"tick\" text-anchor=\"\($anchor)\" x=\"\($x)\" y=\"\($y)\">\(.text | xml)</text>";

def grid_line($x1; $x2; $y1; $y2):
  "<line class=\"grid\" x1=\"\($x1)\" x2=\"\($x2)\" y1=\"\($y1)\" y2=\"\($y2)\"/>";

def chart_axes($box; $xs; $ys; $dx; $dy):
  ($ys[] | (.value | place($dy; $box.bottom; $box.top)) as $y
   | grid_line($box.left; $box.right; $y; $y) + tick_text("end"; $box.left - 6; $y + 4)),
  ($xs | map(. + {x: (.value | place($dx; $box.left + 12; $box.right - 12))}) | with_room[]
   | grid_line(.x; .x; $box.bottom; $box.bottom + 5)
     + tick_text("middle"; .x; $box.bottom + 18));

def marker($driver; $x; $y):
  if $driver == "stock" then "<circle cx=\"\($x)\" cy=\"\($y)\" r=\"4\"/>"
  else "<rect x=\"\($x - 4)\" y=\"\($y - 4)\" width=\"8\" height=\"8\"/>" end;

# One driver's curve: the medians joined, a whisker from least to most at each.
def chart_curve($box; $driver; $dx; $dy):
  map(. + {cx: (.x | place($dx; $box.left + 12; $box.right - 12)),
           cy: (.spread.median | place($dy; $box.bottom; $box.top))})
  | "<g class=\"\($driver)\">",
    "<polyline points=\"\(map("\(.cx),\(.cy)") | join(" "))\"/>",
    (.[] | "<line class=\"whisker\" x1=\"\(.cx)\" x2=\"\(.cx)\""
      + " y1=\"\(.spread.min | place($dy; $box.bottom; $box.top))\""
      + " y2=\"\(.spread.max | place($dy; $box.bottom; $box.top))\"/>"
      + marker($driver; .cx; .cy)),
    "</g>";

def chart_legend($box; $drivers):
  range(0; $drivers | length) as $i
  | ($box.left + 8 + $i * 110) as $x
  | "<g class=\"\($drivers[$i])\">\(marker($drivers[$i]; $x; 28))</g>"
    + "<text class=\"tick\" x=\"\($x + 10)\" y=\"32\">\($drivers[$i])</text>";

# A chart of points {driver, x, text, spread}; nothing if there are not two places on its x axis.
def chart($title; $ticks):
  map(select(.spread != null and .spread.median > 0)
      | .spread |= (.min = ([.min, 1] | max) | .median = ([.median, 1] | max)
                    | .max = ([.max, 1] | max))) as $points
  | ($points | map({value: .x, text}) | unique_by(.value)) as $xs
  | chart_box as $box
  | if ($xs | length) < 2 then empty
    else ($points | map(.spread.min) | min) as $low | ($points | map(.spread.max) | max) as $high
    | ($ticks | ticks_around($low; $high)) as $ys
    | [$xs[0].value, $xs[-1].value] as $dx | [$ys[0].value, $ys[-1].value] as $dy
    | "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\""
      + " viewBox=\"0 0 \($box.width) \($box.height)\">",
      "<title>\($title | xml)</title>",
      "<text class=\"title\" x=\"\($box.left)\" y=\"14\">\($title | xml)</text>",
      chart_legend($box; ["stock", "patched"]),
      chart_axes($box; $xs; $ys; $dx; $dy),
      (("stock", "patched") as $driver | $points | map(select(.driver == $driver)) | sort_by(.x)
       | select(length > 0) | chart_curve($box; $driver; $dx; $dy)),
      "</svg>" end;

# The points of an operation for a chart, where $x is count or size.
def points_of($operation; $x; field):
  [.rows[] | select(.operation == $operation)
   | ("stock", "patched") as $driver
   | {driver: $driver, x: .[$x], text: (if $x == "count" then "\(.count)" else .size | size_label end),
      spread: (if .[$driver] | measured then .[$driver] | field else null end)}];

def peak_spread: .peak | if . == null then null else {min: ., median: ., max: .} end;

def charts:
  (points_of("bind"; "size"; .ns) | chart("Sparse bind: time by range"; time_ticks)),
  (points_of("bind"; "size"; peak_spread)
   | chart("Sparse bind: kernel memory in use during the call, by range"; byte_ticks)),
  (points_of("unbind"; "size"; .ns) | chart("Unbind: time by range"; time_ticks)),
  (points_of("restore-vmas"; "count"; .ns)
   | chart("Restore after eviction: time by number of VMAs"; time_ticks)),
  (points_of("restore-range"; "size"; .ns)
   | chart("Restore after eviction: time by size of one range"; time_ticks)),
  (points_of("restore-range"; "size"; peak_spread)
   | chart("Restore after eviction: kernel memory, by size of one range"; byte_ticks));
