# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# Verdicts from igt_runner's results.json. Used with `include "results"`; the named inputs are
#
#   $selected  text: the subtests that are asked for, one igt@TEST@SUBTEST a line
#   $named     text: those that are asked for by their whole names: run them though $skips says no
#   $results   list: results.json, or empty when the runner wrote none
#   $fails $flakes $skips
#              text: the kernel's expectation files, as the kernel's own drm-ci writes them:
#              TEST@SUBTEST,RESULT in fails, regular expressions in flakes and skips; the
#              comment lines in front of an entry are its reason.
#
# A verdict is {id, test, subtest, result, seconds, rows, class, reason}. `result` is igt_runner's
# word. `rows` is a list of {name, result}: the dynamic subtests that ran. `class` is one of pass,
# fail, skip, known (failed as expected), flake (failed, known to), stale (expected to fail and did
# not), left (left out, as the skips file says) and unrun (--fail-fast ended the run before).

def lines: split("\n") | map(select(test("\\S")));

def entries:
  reduce split("\n")[] as $line ({reason: [], list: []};
    if ($line | test("^\\s*#")) then .reason += [$line | sub("^\\s*#\\s*"; "")]
    elif ($line | test("\\S") | not) then .reason = []
    else .list += [{
        name: ($line | sub("\\s+$"; "") | sub("^igt@"; "") | sub(",[^,]*$"; "")),
        reason: (.reason | join(" "))}]
    end) | .list;

def matching($list):
  . as $name | first($list[] | select(.name as $re | $name | test("^(?:\($re))$"))) // null;

def exactly($list): . as $name | first($list[] | select(.name == $name)) // null;

def short: sub("^igt@"; "");

# The entry of the skips file that leaves a subtest out, or null.
def left_out($named_list; $skip_list):
  if . as $id | $named_list | index([$id]) then null else short | matching($skip_list) end;

# The subtests to start: all that are selected, less those of the skips file.
def planned($selected; $named; $skips):
  ($skips | entries) as $skip_list
  | ($named | lines) as $named_list
  | $selected | lines | map(select(left_out($named_list; $skip_list) == null));

# A message of IGT without its time, its process and the folders of its source file.
def message:
  sub("^\\[[0-9.]+\\] "; "") | sub("^\\([^)]*\\) "; "") | sub("^CRITICAL: "; "")
  | gsub("\\S*/(?<file>(lib|tests)/)"; "\(.file)");

# The list without the repetition of earlier elements.
def once: reduce .[] as $line ([]; if index([$line]) then . else . + [$line] end);

# The records of the kernel log that tell most, without the lines that go with them.
def kernel_reason:
  (lines | map(select(test("^<[0-9]> "))) ) as $records
  | ($records | map(select(test("WARNING|BUG|Oops|UBSAN|INFO:|ERROR")))) as $reports
  | (if ($reports | length) > 0 then $reports else $records end) | .[:4];

# Of a failed assertion, IGT prints one CRITICAL line for each fact, and all of them once more.
def fail_reason:
  ((.err // "") | lines) as $err
  | ($err | map(select(test("CRITICAL"))) | if length > 0 then map(message) | once | .[:6]
     else $err[-5:] end)
    + ((.["dmesg-warnings"] // "") | kernel_reason);

# A skip says why in front of its own verdict line. Behind the last row of a subtest comes the verdict
# line of the subtest.
def skip_reason:
  ((.out // "") | sub("(?s)\nDynamic subtest [^\n]*: SKIP .*"; "") | lines) as $out
  | ($out | map(test("Test requirement not met")) | index(true)) as $at
  | $out[if $at == null then 0 else $at + 1 end:]
  | map(select(test("^(IGT-Version|Opened|Using IGT_SRANDOM|Starting |Subtest |Dynamic )") | not))
  | .[:4];

# ------------------------------------------------------------------------------------------------
# Rows: dynamic subtests, which results.json has as igt@TEST@SUBTEST@ROW beside their subtests

def unexplained: .result == "skip" and (.reason | length) == 0;

def row($name):
  {name: $name, result, reason: (if .result == "skip" then skip_reason
   elif .result == "pass" then [] else fail_reason end)};

# An object: the rows of each subtest that has some, in the order in which they ran.
def rows_by_subtest($tests):
  reduce ($tests | keys_unsorted[]) as $key ({};
    ($key | split("@")) as $part
    | if ($part | length) < 4 then .
      else .[$part[:3] | join("@")] += [$tests[$key] | row($part[3:] | join("@"))] end);

# The most rows whose own words are quoted.
def rows_quoted: 6;

def row_reason:
  "row \(.name): \(.result)",
  (if unexplained then "skipped without saying why" else .reason[] end | "  " + .);

# What is said of the rows that did not pass, failures first.
def row_reasons:
  (map(select(.result != "pass")) | sort_by(.result == "skip")) as $rows
  | [$rows[:rows_quoted][] | row_reason]
    + ($rows[rows_quoted:] | if length == 0 then []
       else ["\(length) more: " + (map("\(.name) \(.result)") | join(", "))] end);

# ------------------------------------------------------------------------------------------------

# The subtest decides. A row that is wrong in a subtest that passed is a failure, too.
def classify:
  if any(.rows[]; unexplained) then .class = "fail"
  elif .result == "pass" and any(.rows[]; .result != "pass" and .result != "skip") then
    .class = "fail"
  elif .result == "pass" then .class = "pass"
  elif .result == "skip" and (.reason | length) > 0 then .class = "skip"
  elif .result == "skip" then .class = "fail" | .reason = ["skipped without saying why"]
  else .class = "fail" end;

def expect($fail_list; $flake_list):
  (.id | short) as $name
  | ($name | exactly($fail_list)) as $known
  | ($name | matching($flake_list)) as $flake
  | if .class == "fail" and $known then .class = "known" | .reason += ["expected: " + $known.reason]
    elif .class == "fail" and $flake then .class = "flake" | .reason += ["flake: " + $flake.reason]
    elif .class == "pass" and $known and ($flake | not) then
      .class = "stale" | .reason = ["expected to fail: " + $known.reason]
    else . end;

# Where rows say why a subtest did not pass, its own words only repeat them.
def verdict($tests; $rows):
  . as $id
  | ($tests[ascii_downcase] // {result: "notrun", err: "did not run"}) as $own
  | {id: $id,
     test: ($id | split("@")[1]),
     subtest: ($id | split("@")[2] // ""),
     result: $own.result,
     seconds: (($own.time.end // 0) - ($own.time.start // 0)),
     rows: ($rows[ascii_downcase] // [])}
  | .reason = (.rows | row_reasons)
  | if .result == "pass" or (.result == "skip" and .reason != [])
      or any(.rows[]; .result != "pass" and .result != "skip") then .
    else .reason += ($own | row("") | .reason) end;

def verdicts($selected; $named; $results; $fails; $flakes; $skips):
  ($fails | entries) as $fail_list
  | ($flakes | entries) as $flake_list
  | ($skips | entries) as $skip_list
  | ($named | lines) as $named_list
  | ($results[0].tests // {}) as $tests
  | rows_by_subtest($tests) as $rows
  | $selected | lines | map(
      left_out($named_list; $skip_list) as $skip
      | if $skip then
          verdict({}; {}) | .result = "skip" | .class = "left" | .reason = ["not run: " + $skip.reason]
        else verdict($tests; $rows) | classify | expect($fail_list; $flake_list)
          | .rows |= map({name, result}) end);

# What ends a run with --fail-fast.
def unexpected: .result != "notrun" and (.class == "fail" or .class == "stale");

# Marks the subtests that did not run, or not to their end, as --fail-fast ended the run. $unexpected
# are the subtests that it was ended for.
def unrun($unexpected):
  map(.id as $id | .result as $result
    | if .class == "fail" and ($unexpected | map(ascii_downcase) | index([$id | ascii_downcase]) | not)
        and (["notrun", "incomplete"] | index([$result])) then
        .class = "unrun" | .reason = ["not run: --fail-fast ended the run"]
      else . end);

# The exit statuses of ./run that the verdicts ask for, one a line.
def statuses:
  (if any(.class == "fail") then 1 else empty end),
  (if any(.result == "timeout") then 6 else empty end),
  (if any(.class == "stale") then 7 else empty end),
  (if any(.class == "pass" or .class == "stale") then empty else 3 end);

def count($class): map(select(.class == $class)) | length;

def summary:
  "\(count("pass") + count("stale")) passed, "
  + "\(count("fail") + count("known") + count("flake")) failed, "
  + "\(count("skip") + count("left")) skipped"
  + (count("unrun") as $n | if $n > 0 then "; \($n) not run after the first unexpected result"
     else "" end)
  + (count("known") as $n | if $n > 0 then "; \($n) failed as expected" else "" end)
  + (count("flake") as $n | if $n > 0 then "; \($n) known flakes failed" else "" end)
  + (count("stale") as $n | if $n > 0 then "; \($n) expected to fail and did not" else "" end)
  + (count("left") as $n | if $n > 0 then "; \($n) left out, as expectations say" else "" end);

def padded($width): . + (" " * ([$width - length, 1] | max));

def hundredths:
  (. * 100 | round) as $n | "\($n / 100 | floor).\($n % 100 + 100 | tostring | .[1:]) s";

def shown:
  if .class == "known" then "\(.result) (expected)"
  elif .class == "flake" then "\(.result) (flake)"
  elif .class == "stale" then "pass (unexpected)"
  elif .class == "left" then "skip (left out)"
  else .result end;

def name($single):
  if .subtest == "" then .test elif $single then .subtest else "\(.test)@\(.subtest)" end;

# With --fail-fast the summary counts what did not run.
def rows($quiet):
  map(select(.class != "unrun"))
  | (map(.test) | unique | length == 1) as $single
  | (map(name($single) | length) | max + 2) as $width
  | .[] | select(($quiet | not) or .class == "fail" or .class == "stale")
  | (name($single) | padded($width)) + (shown | padded(20)) + (.seconds | hundredths),
    (.reason[] | "    " + .);

def xml: gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;") | gsub("\""; "&quot;")
  | gsub("[\u0000-\u0008\u000b\u000c\u000e-\u001f]"; "?");

def junit_case:
  "    <testcase classname=\"\(.test | xml)\" name=\"\(.subtest | xml)\" time=\"\(.seconds)\">",
  (if .class == "fail" or .class == "stale" then
     "      <failure message=\"\(shown | xml)\">\(.reason | join("\n") | xml)</failure>"
   elif .class != "pass" then
     "      <skipped message=\"\(shown | xml)\">\(.reason | join("\n") | xml)</skipped>"
   elif (.reason | length) > 0 then
     "      <system-out>\(.reason | join("\n") | xml)</system-out>"
   else empty end),
  "    </testcase>";

def junit:
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
  "<testsuites>",
  "  <testsuite name=\"vmali\" tests=\"\(length)\""
  + " failures=\"\(count("fail") + count("stale"))\""
  + " skipped=\"\(count("skip") + count("left") + count("unrun") + count("known")
     + count("flake"))\""
  + " time=\"\(map(.seconds) | add // 0)\">",
  (.[] | junit_case),
  "  </testsuite>",
  "</testsuites>";
