# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# awk -v part=driver|rest -v driver=FOLDER/ -f patch-part.awk PATCH: prints those files of a patch that
# are in FOLDER, or that are not, without the text around them. Hunks are counted, since a line of a
# hunk may look like the head of a file.

function strip(path) {
	sub(/\t.*/, "", path)
	return path == "/dev/null" || !sub(/^[^\/]*\//, "", path) ? "" : path
}

# Whether the file at this path is wanted.
function wanted(path) {
	return (index(path, driver) == 1) == (part == "driver")
}

function count(range) {
	return range ~ /,/ ? substr(range, index(range, ",") + 1) + 0 : 1
}

function put(line) {
	if (on)
		print line
}

old > 0 || new > 0 {
	if (/^\\/) {
		put($0)
		next
	}
	if (!/^\+/)
		old--
	if (!/^-/)
		new--
	put($0)
	next
}

/^diff --git / {
	on = wanted(strip($NF))
	git = 1
	put($0)
	next
}

# The path of a file that is removed is that of its first line.
/^\+\+\+ / && held {
	if (!git) {
		path = strip(substr($0, 5))
		on = wanted(path ? path : strip(substr(held, 5)))
	}
	git = 0
	put(held)
	put($0)
	held = ""
	next
}

held {
	put(held)
	held = ""
}

/^--- / {
	held = $0
	next
}

/^@@ -[0-9]/ {
	old = count($2)
	new = count($3)
}

/^(diff|Index:) / {
	on = 0
	next
}

{ put($0) }
