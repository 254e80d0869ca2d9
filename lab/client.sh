# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034,SC2154
#
# --client panvk: the client of clients/panvk_sparse with Debian's Mesa on a board with arm64; runs inside
# the session. Needs lab/packaged.sh, whose apt configuration it shares.
#
#   CLIENT_DIR       panvk_sparse, the client, and panvk_sparse_here, which can run here
#   CLIENT_ROOT      the root of the guest: Mesa's PanVK, the Vulkan loader, the validation layer, and the
#                    libraries that they need
#   MESA_VERSION     of PanVK
#
# All of it is downloaded when the client is asked for, and not before.

# To be counted up when the functions that make an entry change what they make.
CLIENT_TOOLS_RECIPE=1
MESA_RECIPE=1
# Upper bounds of what the entries take in the cache, while they are made.
CLIENT_TOOLS_MIB=150
MESA_MIB=600

# The packages with the compiler of the shaders and with Vulkan's headers, for this machine.
CLIENT_TOOLS='glslang-tools libvulkan-dev'
# The packages for the guest, and what of them is taken there, beside what it needs.
MESA_PACKAGES='mesa-vulkan-drivers vulkan-validationlayers'
MESA_LIBRARIES='libvulkan.so.1 libvulkan_panfrost.so libVkLayer_khronos_validation.so
ld-linux-aarch64.so.1'
MESA_FOLDER=usr/lib/aarch64-linux-gnu
MESA_FILES='usr/share/vulkan/icd.d/panfrost_icd.json
usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json'

# The name of the client for options, and of its test.
CLIENT_TEST=panvk_sparse

# ---------------------------------------------------------------------------------------------
# Tools

client_tools_key() {
	printf '%s\n' "$CLIENT_TOOLS_RECIPE" "$TOOLBOX_ID" "$CLIENT_TOOLS" | key_of
}

client_tools_make() {
	cache_room "$CLIENT_TOOLS_MIB"
	SOURCE_STATUS=/var/lib/dpkg/status
	packaged_apt "$1" "$TOOLBOX_SUITE" || return
	# shellcheck disable=SC2086 # names
	source_apt "$1" apt-get -q -y --no-install-recommends --download-only install $CLIENT_TOOLS \
		>"$1/log" 2>&1 || packaged_failed "$1" "$TOOLBOX_SUITE" "$CLIENT_TOOLS"
	packaged_unpack "$1" "$1/root"
}

client_tools_ensure() {
	client_id=$(client_tools_key)
	STEP_DETAIL=packaged_progress
	cache_build toolbox "$client_id" 'tools for the client' client_tools_make || exit
	CLIENT_TOOLS_DIR=$(cache_entry toolbox "$client_id")/root
	export PATH="$CLIENT_TOOLS_DIR/usr/bin:$PATH" \
		LD_LIBRARY_PATH="$CLIENT_TOOLS_DIR/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

# ---------------------------------------------------------------------------------------------
# The guest's root

mesa_key() {
	printf '%s\n' "$MESA_RECIPE" "$MESA" "$MESA_PACKAGES" "$MESA_LIBRARIES" | key_of
}

# Copies the libraries $2... from deb/ to root/, with all that they need.
mesa_libraries() {
	mesa_into=$1
	shift
	mkdir -p "$mesa_into/root/$MESA_FOLDER"
	while [ $# -gt 0 ]; do
		mesa_file=$mesa_into/deb/$MESA_FOLDER/$1
		if [ ! -e "$mesa_into/root/$MESA_FOLDER/$1" ]; then
			cp -L "$mesa_file" "$mesa_into/root/$MESA_FOLDER/$1" || return
			# shellcheck disable=SC2046 # names
			set -- "$@" $(readelf -d "$mesa_file" |
				sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
		fi
		shift
	done
}

# Fills an entry: root/, versions, the names of all packages, and mesa, the version of PanVK.
mesa_make() {
	cache_room "$MESA_MIB"
	packaged_apt "$1" "$MESA" || return
	# shellcheck disable=SC2046,SC2086 # names
	source_apt "$1" apt-get -q -y --no-install-recommends --download-only install \
		$(printf "%s:$ARCH_DEBIAN " $MESA_PACKAGES) >"$1/log" 2>&1 ||
		packaged_failed "$1" "$MESA" "$MESA_PACKAGES"
	packaged_unpack "$1" "$1/deb" || return
	sed -n 's/^mesa-vulkan-drivers_\([0-9.]*\).*/\1/p' "$1/versions" >"$1/mesa"
	# shellcheck disable=SC2086 # names
	mesa_libraries "$1" $MESA_LIBRARIES ||
		cache_failed "$1" 2 "a library of $MESA_PACKAGES is missing in $MESA"
	for mesa_file in $MESA_FILES; do
		mkdir -p "$1/root/${mesa_file%/*}"
		cp "$1/deb/$mesa_file" "$1/root/$mesa_file" || return
	done
	mkdir "$1/root/lib" && ln -s "../$MESA_FOLDER/ld-linux-aarch64.so.1" "$1/root/lib/" &&
		rm -rf "$1/deb"
}

mesa_ensure() {
	mesa_id=$(mesa_key)
	STEP_DETAIL=packaged_progress
	cache_build toolbox "$mesa_id" "Mesa of Debian $MESA for $ARCH_DEBIAN" mesa_make || exit
	mesa_entry=$(cache_entry toolbox "$mesa_id")
	CLIENT_ROOT=$mesa_entry/root
	MESA_VERSION=$(cat "$mesa_entry/mesa")
}

# True if nothing will be downloaded for the client.
client_cached() {
	cache_has toolbox "$(client_tools_key)" && cache_has toolbox "$(mesa_key)"
}

# ---------------------------------------------------------------------------------------------
# The client

# Builds it: its project is one of its own.
client_build() {
	if [ ! -f "$1/build.ninja" ]; then
		rm -rf "$1"
		timeout -k 5 "$MESON_SECONDS" meson setup "$1" "$REPO/clients/panvk_sparse" \
			-Db_colorout=never -Dvulkan_headers="$CLIENT_TOOLS_DIR/usr/include" \
			--cross-file "$REPO/lab/arch/$BOARD_ARCH-client.meson" || {
			rm -f "$1/build.ninja"
			return 1
		}
	fi
	timeout -k 5 "$NINJA_SECONDS" ninja -C "$1"
}

# Sets CLIENT_DIR.
client_build_ensure() {
	CLIENT_DIR=$(cache_entry build "$(printf '%s\n' "$REPO" client "$(client_tools_key)" \
		"$(tools_key)" | key_of)")
	BUILD_DIR=${BUILD_DIR:-$CLIENT_DIR}
	build_with client_build "$CLIENT_DIR"
}

client_ensure() {
	client_tools_ensure
	mesa_ensure
}

# Prints the scenes, and the walks that GLOBS name by their seeds.
client_list() {
	{
		"$CLIENT_DIR/panvk_sparse_here" --list || return
		printf '%s\n' "$GLOBS" | sed "s/^$CLIENT_TEST@//" | grep -x 'walk-[1-9][0-9]*' || :
	} | awk '!seen[$0]++'
}

# client_guest ROOT FOLDER: puts the client into the guest's root, and what starts it into FOLDER.
client_guest() {
	cp -R "$CLIENT_ROOT/." "$1/"
	cp "$CLIENT_DIR/panvk_sparse" "$1/usr/panvk_sparse"
	cat >"$2/$CLIENT_TEST" <<'START'
#!/bin/sh
# Mesa keeps compiled shaders in the home folder.
export HOME=/tmp
exec /usr/panvk_sparse --aliases ${IGT_PANTHOR_OPERATIONS:+--rounds "$IGT_PANTHOR_OPERATIONS"} "$@"
START
	chmod 755 "$2/$CLIENT_TEST"
}
