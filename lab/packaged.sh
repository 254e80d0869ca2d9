# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034,SC2154
#
# What a board of another architecture takes from Debian packages; runs inside the session. The packages
# are those of the table of lab/arch that names them. Needs lab/kernel.sh, whose apt configuration it
# shares.
#
#   TOOLS_DIR    root/: compilers, QEMU              tools_ensure
#                busybox: the guest's
#   KERNEL_DIR   the packaged kernel, with what      packaged_ensure
#                lab/kernel.sh lists, and
#                packaged/panthor.ko
#   TESTS_DIR    the tests, built across             cross_ensure
#
# All of it is downloaded when such a board is asked for, and not before.

# To be counted up when the functions that make an entry change what they make.
TOOLS_RECIPE=1
PACKAGED_RECIPE=1
# Upper bounds of what the entries take in the cache.
TOOLS_MIB=500
PACKAGED_MIB=900

# Modules of the guest, beside the dependencies of these and of the driver: the first ones mount the
# results, the others are for swap.
PACKAGED_FIRST='9p 9pnet_virtio'
PACKAGED_MODULES='zram'

# What the step has downloaded, in the folder $1.
packaged_progress() {
	if [ -f "$1/downloaded" ]; then
		cat "$1/downloaded"
	else
		source_progress "$1"
	fi
}

# packaged_unpack FOLDER INTO: unpacks all packages that apt has brought to FOLDER.
packaged_unpack() {
	printf '%s downloaded\n' "$(source_progress "$1" | sed 's/ downloaded//')" >"$1/downloaded"
	for packaged_deb in "$1"/apt/archives/*.deb; do
		dpkg-deb -x "$packaged_deb" "$2" >>"$1/log" 2>&1 ||
			cache_failed "$1" 2 "the package ${packaged_deb##*/} cannot be unpacked"
		basename "$packaged_deb" >>"$1/versions"
	done
	rm -rf "$1/apt"
}

# packaged_apt FOLDER SUITE: an apt configuration for the machine and for the board.
packaged_apt() {
	SOURCE_ARCHITECTURES="amd64 $ARCH_DEBIAN"
	source_apt_settings "$1" && source_apt_conf "$1" && source_apt_update "$1" "$2"
}

# packaged_failed FOLDER SUITE WHAT: apt brought no packages.
packaged_failed() {
	apt_explain "$1" "$SOURCE_MIRROR" "$2"
	cache_failed "$1" 2 "apt-get could not download $3: its last lines are above"
}

# ---------------------------------------------------------------------------------------------
# Tools that the toolbox lacks

tools_key() {
	printf '%s\n' "$TOOLS_RECIPE" "$TOOLBOX_ID" "$ARCH_TOOLS" "$ARCH_BUSYBOX" | key_of
}

# Downloads the packages beyond those of the toolbox. With --host-tools, the compilers and QEMU are the
# machine's.
tools_download() {
	source_apt "$1" apt-get -q download "$ARCH_BUSYBOX" >"$1/log" 2>&1 || return
	[ "${HOST_TOOLS:-0}" = 0 ] || return 0
	# shellcheck disable=SC2086 # names
	source_apt "$1" apt-get -q -y --no-install-recommends --download-only install $ARCH_TOOLS \
		>"$1/log" 2>&1
}

# The compiler finds the headers and libraries of libc beside itself.
tools_link_libc() {
	[ "${HOST_TOOLS:-0}" = 0 ] || return 0
	cp -rs "$ARCH_LIBC/." "$1/root$ARCH_LIBC/"
}

# False if these tools do not run in this toolbox, since its packages are older.
tools_work() (
	tools_use "$1"
	echo 'int main(void) { return 0; }' >"$1/main.c"
	"${ARCH_CROSS}gcc" -static "$1/main.c" -o "$1/main" && "$ARCH_QEMU" --version &&
		rm "$1/main.c" "$1/main"
)

# Fills an entry: root/, unpacked packages, versions, their names, and busybox, which is no program of
# this machine.
tools_make() {
	cache_room "$TOOLS_MIB"
	SOURCE_STATUS=/var/lib/dpkg/status
	packaged_apt "$1" "$TOOLBOX_SUITE" || return
	tools_download "$1" || packaged_failed "$1" "$TOOLBOX_SUITE" "$ARCH_TOOLS"
	packaged_unpack "$1" "$1/root" && mv "$1/root/usr/bin/busybox" "$1/" &&
		tools_link_libc "$1" || return
	tools_work "$1" >>"$1/log" 2>&1 ||
		cache_failed "$1" 2 "the toolbox is too old for the tools of $TOOLBOX_SUITE:" \
			'./run --clean-cache lets the next run make a new one'
}

# Puts the tools in the folder $1 in front of the toolbox's.
tools_use() {
	[ "${HOST_TOOLS:-0}" = 0 ] || return 0
	export PATH="$1/root/usr/bin:$PATH" LD_LIBRARY_PATH="$1/root/usr/lib/x86_64-linux-gnu"
}

# Sets TOOLS_DIR, and PATH.
tools_ensure() {
	tools_id=$(tools_key)
	STEP_DETAIL=packaged_progress
	cache_build toolbox "$tools_id" "tools for $BOARD_ARCH" tools_make || exit
	TOOLS_DIR=$(cache_entry toolbox "$tools_id")
	tools_use "$TOOLS_DIR"
}

# ---------------------------------------------------------------------------------------------
# The kernel

packaged_key() {
	printf '%s\n' "$PACKAGED_RECIPE" "$1" "$ARCH_FLAVOUR" "$(tools_key)" | key_of
}

# True if nothing will be downloaded but the kernel's source.
packaged_cached() {
	packaged_source=$(cache_entry source "$(source_package_key)")
	cache_has toolbox "$(tools_key)" && [ -f "$packaged_source/version" ] &&
		cache_has kernel "$(packaged_key "$(cat "$packaged_source/version")")"
}

# Prints the ABI of the packaged kernel of version $2, as 7.3.4+deb13, if the suite has it.
packaged_abi() {
	source_apt "$1" apt-cache pkgnames linux-headers- |
		sed -n "s/^linux-headers-\([0-9].*[0-9]\)-$ARCH_FLAVOUR\(:.*\)*$/\1/p" |
		while IFS= read -r packaged_name; do
			! source_apt "$1" apt-cache show \
				"linux-headers-$packaged_name-$ARCH_FLAVOUR:$ARCH_DEBIAN" |
				grep -q -x -F "Version: $2" || echo "$packaged_name"
		done
}

# Downloads the kernel that was built from the source package of the base.
packaged_download() {
	packaged_version=${KERNEL_VERSION##* }
	packaged_apt "$1" "$(kernel_base suite)" || return
	packaged_suite=$(source_codename "$1" "$(kernel_base suite)" | head -n 1)
	[ "$packaged_suite" = "$(kernel_base suite)" ] || source_apt_update "$1" "$packaged_suite"
	PACKAGED_ABI=$(packaged_abi "$1" "$packaged_version")
	[ -n "$PACKAGED_ABI" ] ||
		die 2 "$packaged_suite of $SOURCE_MIRROR has no kernel $packaged_version for" \
			"$ARCH_FLAVOUR: ./run --clean-cache lets the next run take a newer base"
	set -- "$1" "linux-headers-$PACKAGED_ABI-common" "linux-kbuild-$PACKAGED_ABI:amd64"
	for packaged_part in binary modules headers; do
		set -- "$@" "linux-$packaged_part-$PACKAGED_ABI-$ARCH_FLAVOUR:$ARCH_DEBIAN"
	done
	packaged_folder=$1
	shift
	source_apt "$packaged_folder" apt-get -q download "$@" >"$packaged_folder/log" 2>&1 ||
		packaged_failed "$packaged_folder" "$packaged_suite" "$*"
}

# Puts the module $2 of the package into modules/ of the entry $1, with all that it needs.
packaged_module() {
	packaged_file=$(find "$1/deb/usr/lib/modules" -name "$(printf '%s' "$2" | tr _- '??').ko*")
	[ -f "$packaged_file" ] || die 2 "the packaged kernel lacks the module $2"
	packaged_ko=${packaged_file##*/}
	packaged_ko=$1/modules/${packaged_ko%.xz}
	[ ! -e "$packaged_ko" ] || return 0
	case $packaged_file in
	*.xz) xz -d -c "$packaged_file" >"$packaged_ko" ;;
	*) cp "$packaged_file" "$packaged_ko" ;;
	esac || return
	for packaged_need in $(modinfo -F depends "$packaged_ko" | tr ',' ' '); do
		packaged_module "$1" "$packaged_need" || return
	done
}

# The modules of the guest, and apart the driver that the package has.
packaged_modules() {
	mkdir "$1/modules" "$1/packaged"
	for packaged_wanted in $PACKAGED_FIRST; do
		packaged_module "$1" "$packaged_wanted" || return
	done
	kernel_order_modules "$1" && mv "$1/modules/order" "$1/modules/first" || return
	for packaged_wanted in $PACKAGED_MODULES panthor; do
		packaged_module "$1" "$packaged_wanted" || return
	done
	mv "$1/modules/panthor.ko" "$1/packaged/" && kernel_order_modules "$1" || return
	grep -v -x -F -f "$1/modules/first" "$1/modules/order" >"$1/modules/rest"
	mv "$1/modules/rest" "$1/modules/order"
}

# The headers of the kernel, for its modules. The Makefile of the package names another folder. Without
# vmlinux, no type information is made for modules.
packaged_headers() {
	mv "$1/deb/usr" "$1/usr" || return
	packaged_build=usr/src/linux-headers-$PACKAGED_ABI-$ARCH_FLAVOUR
	(cd "$1" && rm -rf usr/lib/modules usr/share "$packaged_build/vmlinux")
	ln -s "$packaged_build" "$1/build" || return
	packaged_src=$(cache_entry kernel "$KERNEL_KEY")/usr/src
	printf 'KBUILD_OUTPUT=%s/linux-headers-%s\ninclude %s/linux-headers-%s-common/Makefile\n' \
		"$packaged_src" "$PACKAGED_ABI-$ARCH_FLAVOUR" "$packaged_src" "$PACKAGED_ABI" \
		>"$1/build/Makefile"
}

# Fills an entry. The kernel's headers for programs are those of the source.
packaged_make() {
	cache_room "$PACKAGED_MIB"
	packaged_download "$1" && packaged_unpack "$1" "$1/deb" || return
	mv "$1/deb/usr/lib/modules/$PACKAGED_ABI-$ARCH_FLAVOUR/vmlinuz" "$1/$ARCH_IMAGE" &&
		packaged_modules "$1" && packaged_headers "$1" || return
	kernel_make O="$1/objects" INSTALL_HDR_PATH="$1/headers" headers_install >>"$1/log" 2>&1 ||
		cache_failed "$1" 4 'the headers of the kernel could not be made'
	rm -rf "$1/deb" "$1/objects"
	printf '%s-%s\n' "$PACKAGED_ABI" "$ARCH_FLAVOUR" >"$1/release"
	printf '%s\n' "$KERNEL_VERSION" >"$1/source-version"
}

# A series that changes more than the driver would need a kernel of its own: sets UNTIL to the last patch
# before it, if the run asks for no other.
packaged_until() {
	[ -z "${UNTIL:-}" ] || return 0
	packaged_wide=$(
		PATCHES='' WITHOUT=''
		kernel_patches_wide | head -n 1
	)
	[ -n "$packaged_wide" ] || return 0
	UNTIL=$(kernel_series | awk -v series="${packaged_wide%/*}/" \
		'index($0, series) == 1 { exit } { last = $0 } END { print last }')
	UNTIL=${UNTIL#"$REPO/kernel/patches/"}
}

# Sets KERNEL_DIR and KERNEL_KEY.
packaged_ensure() {
	packaged_until
	[ -z "$(kernel_patches_wide)" ] ||
		die 2 "--arch $BOARD_ARCH: its kernel is packaged, and a patch changes more than $PANTHOR"
	kernel_source_ensure
	KERNEL_KEY=$(packaged_key "$KERNEL_VERSION")
	STEP_DETAIL=packaged_progress
	cache_build kernel "$KERNEL_KEY" "packaged kernel for $ARCH_FLAVOUR" packaged_make || exit
	KERNEL_DIR=$(cache_entry kernel "$KERNEL_KEY")
}

# packaged_module_make ARG...: make, against the packaged headers. They name the compiler of the package.
packaged_module_make() {
	make -C "$KERNEL_DIR/build" ARCH="$ARCH_KBUILD" CROSS_COMPILE="$ARCH_CROSS" \
		CC="${ARCH_CROSS}gcc" "-j$(nproc)" "$@" </dev/null
}

# The driver as it was released is the one of the package. Symbols for a debugger would only take
# memory of the guest.
packaged_module_finish() {
	"${ARCH_CROSS}strip" --strip-debug "$1/panthor.ko" "$1/vmali-pci.ko" || return
	[ -n "$(kernel_patches)" ] || cp "$KERNEL_DIR/packaged/panthor.ko" "$1/panthor.ko"
}

# ---------------------------------------------------------------------------------------------
# The tests

# Sets TESTS_DIR. Its key has that of BUILD_DIR, which is built already.
cross_ensure() {
	TESTS_DIR=$(cache_entry build "$({
		build_inputs
		echo "$BOARD_ARCH"
		tools_key
		cat "$REPO/lab/arch/$BOARD_ARCH.meson"
	} | key_of)")
	build_locked "$TESTS_DIR" -Dboard=disabled -Dtools=disabled -Digt=standalone \
		--cross-file "$REPO/lab/arch/$BOARD_ARCH.meson"
}
