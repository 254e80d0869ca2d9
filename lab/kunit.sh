# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2154
#
# ./run --kunit: the driver's KUnit tests, inside the session. Only this board loads kunit.ko, and the
# driver's test modules with it. The guest copies the results in debugfs to guest/kunit/. They are
# turned into results.json, from which the table, JUnit and the exit status are made.

# Puts the modules to load into FOLDER $1, and their order.
kunit_guest() {
	[ -f "$KERNEL_DIR/modules/kunit.ko" ] ||
		die 2 "--kunit: $KERNEL_VERSION is built without KUnit"
	mkdir -p "$1"
	cp "$KERNEL_DIR/modules/kunit.ko" "$MODULE_DIR"/kunit/*.ko "$1/"
	{
		echo kunit.ko
		(cd "$MODULE_DIR/kunit" && ls -- *.ko)
	} >"$1/order"
}

# Makes results.json, and $WORK/selected.txt of the cases that the patterns select.
kunit_collect() {
	results_python ktap "$RESULTS_DIR/guest/kunit" "$RESULTS_DIR/results.json" >"$WORK/cases.txt"
	: >"$WORK/selected.txt"
	while IFS=@ read -r igt suite case; do
		! glob_selects "$suite" "$case" || echo "$igt@$suite@$case" >>"$WORK/selected.txt"
	done <"$WORK/cases.txt"
	[ -s "$WORK/selected.txt" ] || board_failed || run_failed 3 'no KUnit case ran'
}
