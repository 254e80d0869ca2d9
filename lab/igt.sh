# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034,SC2154
#
# The source tree of IGT, which the project's own checks compile against; runs inside the toolbox.
# Needs lab/common.sh, lab/toolbox.sh and lab/kernel.sh, whose apt configuration it shares. The tree
# is the upstream part of Debian's newest source package in the toolbox's suite. TOOLBOX_APT=1 must
# be set when the toolbox is entered.

# To be counted up when the functions that make an entry change what they make.
IGT_RECIPE=1
IGT_PACKAGE=igt-gpu-tools
# What the entry takes in the cache, generously.
IGT_MIB=150

# igt_apt_begin FOLDER: an apt configuration of the toolbox's suite, sources and packages.
igt_apt_begin() {
	cache_room "$IGT_MIB"
	source_apt_settings "$1" && source_apt_conf "$1" || return
	igt_keys=$(find "$1/apt/keys" -type f | paste -s -d , -)
	for igt_type in deb deb-src; do
		printf '%s %s%s %s main\n' "$igt_type" "${igt_keys:+[signed-by=$igt_keys] }" \
			"$SOURCE_MIRROR" "$TOOLBOX_SUITE"
	done >"$1/apt/sources"
	source_apt "$1" apt-get -q update >"$1/log" 2>&1 || {
		apt_explain "$1" "$SOURCE_MIRROR" "$TOOLBOX_SUITE"
		cache_failed "$1" 2 'apt-get update failed: its last lines are above'
	}
}

# Fills an entry: igt/, the source tree.
igt_make_source() {
	igt_apt_begin "$1" || return
	source_apt "$1" apt-get -q --download-only --tar-only source "$IGT_PACKAGE" \
		>"$1/log" 2>&1 || {
		! grep -q -e '404 ' -e 'File not found' -e 'Unable to find a source' "$1/log" ||
			die 2 "$SOURCE_MIRROR does not serve the source of $IGT_PACKAGE: set" \
				'VMALI_MIRROR to a mirror that does, or VMALI_IGT to a source tree'
		cache_failed "$1" 2 "apt-get could not download the source of $IGT_PACKAGE"
	}
	mkdir "$1/igt"
	tar -x -f "$(find "$1/apt/archives" -name '*.orig.tar.*' ! -name '*.asc')" -C "$1/igt" \
		--strip-components=1 --no-same-owner >>"$1/log" 2>&1 ||
		cache_failed "$1" 2 "the source of $IGT_PACKAGE cannot be unpacked"
	rm -rf "$1/apt"
}

igt_key() {
	printf '%s\n' "$IGT_RECIPE" "$TOOLBOX_SUITE" "$@" | key_of
}

# igt_source_ensure [TREE]: sets IGT_SOURCE, the source tree, which is TREE if that is given.
igt_source_ensure() {
	IGT_SOURCE=${1:-}
	[ -z "$IGT_SOURCE" ] || return 0
	igt_source_key=$(igt_key "source $IGT_PACKAGE")
	cache_build source "$igt_source_key" "source of $IGT_PACKAGE" igt_make_source || return
	IGT_SOURCE=$(cache_entry source "$igt_source_key")/igt
}
