# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# Turns the KTAP of KUnit suites, as /sys/kernel/debug/kunit/SUITE/results gives it, into what
# igt_runner's results.json holds: {tests: {"igt@kunit/SUITE@CASE": {result, out, err}}}, in the
# order of the cases. The input is the raw text of one suite.
#
# A suite's lines are indented by four blanks; what is deeper belongs to a case's parameters, and
# tells the reason of a failure, as do the remarks in front of a case's own line.

def result_line:
  capture("^    (?<not>not )?ok [0-9]+ (?<name>\\S+)( # (?<word>\\S+) ?(?<rest>.*))?$");

# Remarks that are no reason: the grammar of KTAP, counts, and parameters that passed.
def is_noise:
  test("^\\s*(KTAP version|1\\.\\.[0-9]|ok |# (Subtest|module|Totals):|# [^ ]+: pass:[0-9]+ |$)");

def verdict_of($reasons):
  if .not then {result: "fail", out: "", err: ($reasons | join("\n"))}
  elif .word == "SKIP" then {result: "skip", out: .rest, err: ""}
  else {result: "pass", out: "", err: ""} end;

def add_case($name; $verdict):
  .tests["igt@kunit/\(.suite)@\($name)"] = $verdict | .reasons = [];

def step($line):
  if $line | test("^    # Subtest: ") then .suite = ($line | sub("^    # Subtest: "; ""))
  elif $line | test("^    1\\.\\.[0-9]+$") then .plan = ($line | sub("^    1\\.\\."; "") | tonumber)
  elif $line | test("^not ok ") then .failed = true
  else ([$line | result_line][0] // null) as $case
    | if $case then .reasons as $reasons | add_case($case.name; $case | verdict_of($reasons))
      elif $line | is_noise then .
      else .reasons += [$line | sub("^\\s+"; "")] end
  end;

def broken($why): .reasons as $reasons
  | add_case("suite"; {result: "fail", out: "", err: ($reasons + [$why] | join("\n"))});

def ktap:
  reduce split("\n")[] as $line ({suite: "unknown", plan: 0, failed: false, tests: {}, reasons: []};
    step($line))
  | (.tests | length) as $seen
  | if $seen < .plan then broken("\($seen) of \(.plan) cases have a result")
    elif .failed and all(.tests[]; .result != "fail") then broken("the suite itself failed")
    else . end
  | {tests};
