# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# Reads what docs/testplan/testplan.py --scenarios writes, then, with -v defect=NAME, lines `DEFECT
# TEST@SUBTEST caught|missed`.
#
# Prints each scenario with its own defects, and below it its subtests. The exit status is 1 if a
# scenario has no own defect. With -v defect=NAME, prints instead the subtests of other scenarios
# that caught that defect, if it is a scenario's own. The exit status is 1 if there are any.

BEGIN { WIDTH = 98 }

$1 == "scenario" { slug[++slugs] = $2; next }
$1 == "subtest" { scenario[$3] = $2; subtests[$2] = subtests[$2] " " $3; next }
$1 == "own" { owned[$2] = owned[$2] (owned[$2] == "" ? "" : ", ") $4; owner[$4] = $2; next }

defect != "" && $1 == defect && $3 == "caught" && defect in owner && scenario[$2] != owner[defect] {
	printf "own defect of %s, but caught by %s of %s\n", owner[defect], $2, scenario[$2]
	outside++
}

# print_subtests LIST: without the names of their tests, in lines of WIDTH columns.
function print_subtests(list,    i, n, name, line) {
	n = split(list, name, " ")
	line = "   "
	for (i = 1; i <= n; i++) {
		sub(/^[^@]*@/, "", name[i])
		if (length(line) + length(name[i]) >= WIDTH) {
			print line
			line = "   "
		}
		line = line " " name[i]
	}
	print line
}

END {
	if (defect != "")
		exit (outside > 0)
	for (i = 1; i <= slugs; i++) {
		print slug[i] ": " (owned[slug[i]] == "" ? "none" : owned[slug[i]])
		print_subtests(subtests[slug[i]])
	}
	for (i = 1; i <= slugs; i++)
		if (owned[slug[i]] == "") {
			print "has no defect of its own: " slug[i]
			without++
		}
	if (!slugs)
		print "there are no scenarios"
	exit (!slugs || without > 0)
}
