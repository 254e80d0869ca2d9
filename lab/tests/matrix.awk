# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# Prints the matrix of defects and groups of subtests from lines `DEFECT TEST@SUBTEST
# caught|missed`. A group is a subtest's name up to its first minus. A cell is `caught/looked at`,
# empty where none of the group was looked at; with -v exclusive=1 the number caught, and below the
# matrix one line a group with the defects that it alone catches.

{
	group = $2
	sub(/^[^@]*@/, "", group)
	sub(/-.*/, "", group)
	if (!($1 in seen))
		defect[++defects] = $1
	if (!(group in column))
		column[group] = ++groups
	seen[$1] = 1
	title[column[group]] = group
	looked[$1, group]++
	if ($3 == "caught" && !caught[$1, group]++)
		catchers[$1]++
	width = length($1) > width ? length($1) : width
}

function cell(name, group) {
	if (exclusive)
		return caught[name, group] ? caught[name, group] : "."
	return looked[name, group] ? caught[name, group] + 0 "/" looked[name, group] : ""
}

function only(group,    i, list) {
	for (i = 1; i <= defects; i++)
		if (caught[defect[i], group] && catchers[defect[i]] == 1)
			list = list " " defect[i]
	return list == "" ? " none" : list
}

END {
	line = sprintf("%-*s", width, "")
	for (g = 1; g <= groups; g++)
		line = line sprintf(" %8s", title[g])
	print line
	for (i = 1; i <= defects; i++) {
		line = sprintf("%-*s", width, defect[i])
		for (g = 1; g <= groups; g++)
			line = line sprintf(" %8s", cell(defect[i], title[g]))
		sub(/ +$/, "", line)
		print line
	}
	if (exclusive) {
		print ""
		for (g = 1; g <= groups; g++)
			printf "only %s-*:%s\n", title[g], only(title[g])
	}
}
