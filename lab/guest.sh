# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2154
#
# The selection of the tests and the guest's initramfs, inside the session.

# Installed IGT tests, in this order of preference.
IGT_INSTALLED='/usr/libexec/igt-gpu-tools/panthor /usr/libexec/igt-gpu-tools'

# Prints the tests of the sparse suite, all that the build made in $BUILD_DIR/tests, a line each.
suite_tests() {
	for binary in "$BUILD_DIR"/tests/panthor/panthor_vm_sparse*; do
		if [ -f "$binary" ] && [ -x "$binary" ]; then
			printf 'panthor/%s\n' "${binary##*/}"
		fi
	done
}

# Prints the path below IGT's folder of the installed test $1.
installed_test() {
	for folder in $IGT_INSTALLED; do
		if [ -f "$folder/$1" ] && [ -x "$folder/$1" ]; then
			printf '%s\n' "${folder#/usr/libexec/igt-gpu-tools}/$1" | sed 's,^/,,'
			return
		fi
	done
	die 2 "--test $1: no such IGT test is installed"
}

# Prints the tests to run, one a line, as paths below a test root.
tests_wanted() {
	if [ -n "$CLIENT" ]; then
		echo "$CLIENT_TEST"
		return
	elif [ -z "$TESTS" ]; then
		suite_tests
		return
	fi
	printf '%s\n' "$TESTS" | while IFS= read -r name; do
		installed_test "$name"
	done
}

# Prints the path of the binary of the test $1, a path below a test root.
test_binary() {
	if [ -n "$TESTS" ]; then
		printf '/usr/libexec/igt-gpu-tools/%s\n' "$1"
	else
		printf '%s\n' "$TESTS_DIR/tests/$1"
	fi
}

# Prints the subtests of the test $1, a path below a test root: from a list that the build has made, or
# from the test itself. For a test without subtests the output is an empty line: its status for
# --list-subtests is 79.
list_subtests() {
	if [ -n "$CLIENT" ]; then
		client_list
		return
	elif [ -z "$TESTS" ]; then
		cat "$BUILD_DIR/tests/$1.subtests"
		return
	fi
	set -- "$(test_binary "$1")"
	status=0
	names=$(timeout 20 "$1" --list-subtests </dev/null 2>"$WORK/list.err") || status=$?
	case $status in
	0 | 79) printf '%s\n' "$names" ;;
	*)
		tail -n 5 "$WORK/list.err" >&2
		die 2 "$1 --list-subtests failed with status $status"
		;;
	esac
}

# Prints the subtests of --test-list, without igt@.
test_list_entries() {
	sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' -e 's/^igt@//' "$TEST_LIST"
}

# test_list_keep TEST: leaves of the subtests of TEST in $WORK/list.txt those that --test-list has,
# and of its entries in $WORK/unknown.txt those that no test has.
test_list_keep() {
	[ -n "$TEST_LIST" ] || return 0
	sed "s,^,$1@,; s/@\$//" "$WORK/list.txt" >"$WORK/names.txt"
	test_list_entries | grep -x -F -f - "$WORK/names.txt" | sed 's/^[^@]*@*//' \
		>"$WORK/list.txt" || :
	grep -v -x -F -f "$WORK/names.txt" "$WORK/unknown.txt" >"$WORK/unknown.new" || :
	mv "$WORK/unknown.new" "$WORK/unknown.txt"
}

test_list_unknown() {
	[ ! -s "$WORK/unknown.txt" ] || die 2 "--test-list $TEST_LIST: $(head -n 1 \
		"$WORK/unknown.txt"): no such subtest"
}

# Writes all selected subtests to $WORK/selected.txt, one igt@TEST@SUBTEST a line, and to
# $WORK/named.txt those among them that a pattern names in full.
tests_select() {
	: >"$WORK/selected.txt"
	: >"$WORK/named.txt"
	tests_wanted >"$WORK/tests.txt"
	[ -z "$TEST_LIST" ] || test_list_entries >"$WORK/unknown.txt"
	while IFS= read -r test; do
		list_subtests "$test" >"$WORK/list.txt"
		test_list_keep "$test"
		while IFS= read -r subtest; do
			! glob_selects "$test" "$subtest" || test_selected "$test" "$subtest"
		done <"$WORK/list.txt"
	done <"$WORK/tests.txt"
	[ -z "$TEST_LIST" ] || test_list_unknown
	tests_shard
}

# Leaves of the selection the subtests of --shard. Neighbours, which take about as long as each other,
# go to different shards.
tests_shard() {
	[ -n "$SHARD" ] || return 0
	for shard_file in selected named; do
		mv "$WORK/$shard_file.txt" "$WORK/$shard_file.all"
	done
	awk -v first="${SHARD%/*}" -v count="${SHARD#*/}" 'NR % count == first % count' \
		"$WORK/selected.all" >"$WORK/selected.txt"
	grep -x -F -f "$WORK/selected.txt" "$WORK/named.all" >"$WORK/named.txt" || :
	[ -s "$WORK/selected.txt" ] || [ ! -s "$WORK/selected.all" ] ||
		die 3 "--shard $SHARD: only $(wc -l <"$WORK/selected.all") subtests are selected"
}

test_selected() {
	id=igt@$1${2:+@$2}
	echo "$id" >>"$WORK/selected.txt"
	! glob_names "$1" "$2" || echo "$id" >>"$WORK/named.txt"
}

# Prints the tests that the guest needs: those whose subtests are planned, or all if none are.
guest_tests_needed() {
	if [ -s "$WORK/planned.txt" ]; then
		sed 's/^igt@//; s/@.*//' "$WORK/planned.txt" | uniq
	else
		cat "$WORK/tests.txt"
	fi
}

# The private test root: binaries of our own, links to installed ones, the list of subtests.
guest_tests() {
	cp "$WORK/planned.txt" "$1/selected.txt"
	guest_tests_needed >"$WORK/needed.txt"
	{
		echo TESTLIST
		tr '\n' ' ' <"$WORK/needed.txt"
		printf '\nEND TESTLIST\n'
	} >"$1/test-list.txt"
	printf 'SUBTEST_SECONDS=%s\nMULTIPLE=%s\nSEED=%s\nOPERATIONS=%s\n' "$deadline_subtest" \
		"$MULTIPLE" "$SEED" "$OPERATIONS" >"$1/settings"
	while IFS= read -r test; do
		case $test in
		*/*) mkdir -p "$1/${test%/*}" ;;
		esac
		if [ -n "$CLIENT" ]; then
			client_guest "$root" "$1"
		elif [ -n "$TESTS" ]; then
			ln -s "$(test_binary "$test")" "$1/$test"
		else
			cp "$(test_binary "$test")" "$1/$test"
		fi
	done <"$WORK/needed.txt"
}

# Copies the modules that the list $2 of the kernel has, but those of KUnit.
guest_module_list() {
	: >"$1/modules/$2"
	while IFS= read -r module; do
		case $module in
		*kunit*) continue ;;
		esac
		cp "$KERNEL_DIR/modules/$module" "$1/modules/"
		echo "${module##*/}" >>"$1/modules/$2"
	done <"$KERNEL_DIR/modules/$2"
}

# The modules of the kernel, those that the results need apart, and the two under test.
guest_modules() {
	mkdir -p "$1/modules"
	[ ! -f "$KERNEL_DIR/modules/first" ] || guest_module_list "$1" first
	guest_module_list "$1" order
	cp "$MODULE_DIR/panthor.ko" "$MODULE_DIR/vmali-pci.ko" "$1/"
}

# Makes hard links to busybox for its nearly 300 applets, all in one process, and then puts the guest's
# busybox into the file.
guest_busybox() {
	mkdir -p "$1/bin"
	cp "$(command -v busybox)" "$1/bin/busybox"
	"$1/bin/busybox" --install "$1/bin" || die 2 'the applets of busybox could not be made'
	cat "$(arch_busybox)" >"$1/bin/busybox"
}

# panthor knows its firmware by the GPU's architecture, 10.8 on this board.
guest_firmware() {
	mkdir -p "$1"
	"$BUILD_DIR/vmali/mkfirmware" "$1/mali_csffw.bin" ||
		die 4 'the firmware image could not be made'
}

# guest_tools FOLDER: panthor_vmas, for a shell. The guest needs cairo for it, which the toolbox has.
guest_tools() {
	if [ "$ARCH_ROOT" = toolbox ] && [ -x "$BUILD_DIR/tools/panthor_vmas" ]; then
		cp "$BUILD_DIR/tools/panthor_vmas" "$1/"
	fi
}

# The libraries of igt_runner, which are those of the tests: libigt and what it needs. Each subtest is a
# process that loads them. The root that the guest shares takes a message to the host for each
# piece of them, the initramfs none. Where the initramfs is the root, no test needs libraries.
guest_libraries() {
	[ "$ARCH_ROOT" = toolbox ] || return 0
	mkdir -p "$1"
	# shellcheck disable=SC2046 # paths without blanks
	cp -L $(ldd "$(command -v igt_runner)" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p') "$1/" ||
		die 2 'the libraries of igt_runner could not be copied'
}

# Checks the module's parameters before anything is booted.
guest_params() {
	modinfo -F parm "$MODULE_DIR/panthor.ko" >"$WORK/params"
	printf '%s\n' "$PARAMS" | while IFS= read -r param; do
		[ -z "$param" ] || grep -q "^${param%%=*}:" "$WORK/params" ||
			die 2 "--param $param: panthor has no such parameter"
	done
	printf '%s\n' "$PARAMS" >"$1/params"
}

# Makes $INITRAMFS for the mode $1: suite, shell or kunit. It takes a tenth of a second: no cache.
guest_ensure() {
	root=$WORK/initramfs
	INITRAMFS=$WORK/initramfs.cpio
	mkdir -p "$root/dev" "$root/proc" "$root/sys" "$root/root" "$root/results" "$root/board/igt"
	guest_busybox "$root"
	guest_modules "$root/board"
	guest_firmware "$root/lib/firmware/arm/mali/arch10.8"
	guest_params "$root/board"
	if [ "$1" = kunit ]; then
		kunit_guest "$root/board/kunit"
	else
		guest_tests "$root/board/igt"
		[ "$1" != shell ] || guest_tools "$root/board/igt"
		guest_libraries "$root/board/lib"
	fi
	echo "$1" >"$root/board/mode"
	echo "$ARCH_ROOT" >"$root/board/root"
	cp "$REPO/lab/guest/suite" "$REPO/lab/guest/jobs" "$root/board/"
	cp "$REPO/lab/guest/init" "$root/init"
	[ "$1" != bench ] || bench_guest "$root/board"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$INITRAMFS"
}
