# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# The kernel of the board and its modules; runs inside the session. Needs lab/common.sh and
# lab/toolbox.sh, and the variables KERNEL_ARG, STOCK, WITHOUT, PATCHES,
# SANITIZE, KUNIT, BOARD_ARCH of lab/options.sh. What depends on the architecture is in lab/arch.
#
#   KERNEL_SOURCE  the source tree                            kernel_source_ensure
#   KERNEL_DIR     the image, modules/, modules/order,        arch_kernel_ensure
#                  headers/include, release, source-version,
#                  build/ (the object tree)
#   MODULE_DIR     panthor.ko, vmali-pci.ko, with KUNIT=1     module_ensure
#                  kunit/
#
# The driver is built apart from its tree, against build/: a change of drivers/gpu/drm/panthor costs
# a few seconds. Any other change of the source is a change of the kernel; it is then built from a
# copy of the object tree of the nearest kernel in the cache. So each patch has two parts: what it
# changes in the driver, and the rest.

# shellcheck source=/dev/null
. "$REPO/lab/arch/${BOARD_ARCH:-x86-64}.sh"

PANTHOR=drivers/gpu/drm/panthor
SELFTEST=drivers/iommu/io-pgtable-arm-selftests
# To be counted up when the functions that make an entry change what they make.
SOURCE_RECIPE=1
KERNEL_RECIPE=1
MODULE_RECIPE=5
# An upper bound of what the entries take in the cache.
SOURCE_MIB=2200
KERNEL_MIB=500

# kernel_make ARG…: make in the source tree, in the environment that all builds share.
# kernel_progress() counts the lines that it prints for compiled files. KERNEL_NICE may hold a command
# that lowers its priority.
kernel_make() {
	# shellcheck disable=SC2086 # words
	${KERNEL_NICE:-} make -C "$KERNEL_SOURCE" ARCH=x86_64 "-j$(nproc)" KBUILD_BUILD_USER=vmali \
		KBUILD_BUILD_HOST=board KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' \
		KBUILD_BUILD_VERSION=1 "$@" </dev/null
}

# ---------------------------------------------------------------------------------------------
# Patches

# Prints the patches of the series that are applied, one a line: all, or those up to UNTIL.
kernel_series() {
	if [ "${STOCK:-0}" != 1 ] && [ -f "$REPO/kernel/patches/series" ]; then
		sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REPO/kernel/patches/series" |
			awk -v folder="$REPO/kernel/patches/" -v last="${UNTIL:-}" \
				'{ print folder $0 } $0 == last { exit }'
	fi
}

# Prints the name of a patch of the series without its folder and number.
kernel_revert_name() {
	printf '%s\n' "$1" | sed 's,.*/,,; s/^[0-9]\{4\}-//'
}

# Prints what reverts the patch $WITHOUT on top of the series: a patch made by hand where later patches
# build on it, of the same name without the number, otherwise the patch itself, for
# kernel_patch_merge_out().
kernel_without() {
	kernel_name=$(kernel_revert_name "$WITHOUT")
	if [ -f "$REPO/kernel/reverts/$kernel_name" ]; then
		printf '%s\n' "$REPO/kernel/reverts/$kernel_name"
	else
		printf -- '-%s\n' "$REPO/kernel/patches/$WITHOUT"
	fi
}

# Prints the patches to apply, one a line. A minus in front of the path marks a patch to revert.
kernel_patches() {
	kernel_series
	[ -z "${WITHOUT:-}" ] || kernel_without
	[ -z "${PATCHES:-}" ] || printf '%s\n' "$PATCHES"
}

# kernel_patches_with COMMAND…: runs COMMAND with the files of all patches as its last arguments,
# including those to revert. Does nothing if there are none. One process reads all patches: some
# thirty processes would slow down every run.
kernel_patches_with() {
	kernel_list=$(kernel_patches | sed 's/^-//')
	[ -n "$kernel_list" ] || return 0
	set -f
	IFS='
'
	# shellcheck disable=SC2086 # split into lines
	set -- "$@" $kernel_list
	unset IFS
	set +f
	"$@"
}

# Prints the contents of the patches, for keys.
kernel_patches_content() {
	kernel_patches_with cat --
	kernel_patches | sed -n 's/^-.*/taken back/p'
}

# patch_touches FILE…: prints for each path that a patch touches, without its first component, the file
# of the patch, a tab, and the path. Only a `---` line that a `+++` line follows is a header: a removed
# line may look like one.
patch_touches() {
	awk '
		function path(line) {
			sub(/^[-+]+ /, "", line)
			sub(/\t.*/, "", line)
			if (line != "/dev/null" && sub(/^[^\/]*\//, "", line))
				print FILENAME "\t" line
		}
		FNR == 1 { held = "" }
		/^(rename|copy) (from|to) / { print FILENAME "\t" $3 }
		/^\+\+\+ / && held { path(held); path($0) }
		{ held = /^--- / ? $0 : "" }' "$@"
}

# patch_paths FILE…: prints the paths that patches touch.
patch_paths() {
	patch_touches "$@" | cut -f 2 | sort -u
}

# patch_part driver|rest FILE: prints what a patch changes in the driver, or in the rest of the source.
patch_part() {
	awk -v part="$1" -v driver="$PANTHOR/" -f "$REPO/lab/patch-part.awk" "$2"
}

# Prints those of the patches that touch more than the driver.
kernel_patches_wide() {
	kernel_patches_with patch_touches | awk -F '\t' -v driver="$PANTHOR/" \
		'index($2, driver) != 1 && !seen[$1]++ { print $1 }'
}

# Prints the patches that kernel_patches_apply() looks at, like kernel_patches().
kernel_patches_of() {
	case $1 in
	driver) kernel_patches ;;
	rest)
		kernel_patches_wide >"$2/wide"
		kernel_patches | awk -v wide="$2/wide" '
			BEGIN { while ((getline line < wide) > 0) is_wide[line] = 1 }
			{ name = $0; sub(/^-/, "", name) }
			name in is_wide'
		;;
	esac
}

# patches_check FILE…: ends with exit 4 if a file has nothing that looks like a patch.
patches_check() {
	for kernel_patch; do
		[ -r "$kernel_patch" ] || die 4 "$kernel_patch: named by a series, but not there"
	done
	kernel_patch=$(grep -L -E '^(\+\+\+|(rename|copy) (from|to)) ' -- "$@" | head -n 1)
	[ -z "$kernel_patch" ] || die 4 "$kernel_patch: holds no patch"
}

# kernel_patches_apply FOLDER TREE driver|rest: applies that part of the patches to TREE. FOLDER is that
# of the cache entry. Fuzz is off: a patch applied in the wrong place would be tested as if it were
# right. A changed file is replaced by a new one, so TREE may be made of hard links.
kernel_patches_apply() {
	kernel_patches_of "$3" "$1" | while IFS= read -r kernel_patch; do
		printf 'patch: %s\n' "$kernel_patch" >>"$1/log"
		patch_part "$3" "${kernel_patch#-}" >"$1/part" || exit
		[ -s "$1/part" ] || continue
		case $kernel_patch in
		-*) kernel_patch_merge_out "$2" "$1/part" "$1/taken-back" ;;
		"$REPO/kernel/patches/${WITHOUT:-/}")
			kernel_patch_keep "$2" "$1/part" "$1/taken-back/before" &&
				kernel_patch_apply "$2" "$1/part" &&
				kernel_patch_keep "$2" "$1/part" "$1/taken-back/after"
			;;
		*) kernel_patch_apply "$2" "$1/part" ;;
		esac >>"$1/log" 2>&1 || kernel_patch_failed "$1" "$kernel_patch"
	done || return
	rm -rf "$1/taken-back" "$1/part" "$1/wide"
}

# kernel_patch_apply TREE PATCH
kernel_patch_apply() {
	patch --directory="$1" --strip=1 --forward --batch --fuzz=0 --no-backup-if-mismatch <"$2"
}

# kernel_patch_keep TREE PATCH FOLDER: copies the files of TREE that PATCH touches.
kernel_patch_keep() {
	mkdir -p "$3"
	patch_paths "$2" | while IFS= read -r kernel_path; do
		[ ! -e "$1/$kernel_path" ] ||
			(cd "$1" && cp --parents "$kernel_path" "$3/") || return
	done
}

# kernel_patch_merge_out TREE PATCH KEPT: reverts PATCH in TREE, on which others were applied later,
# by a three-way merge of the files as they are, as they were after PATCH, and before it.
kernel_patch_merge_out() {
	patch_paths "$2" | while IFS= read -r kernel_path; do
		if cmp -s "$1/$kernel_path" "$3/after/$kernel_path" ||
			{ [ ! -e "$1/$kernel_path" ] && [ ! -e "$3/after/$kernel_path" ]; }; then
			rm -f "$1/$kernel_path"
			[ ! -e "$3/before/$kernel_path" ] ||
				cp "$3/before/$kernel_path" "$1/$kernel_path"
		else
			cp "$1/$kernel_path" "$3/merged" &&
				git -C / merge-file "$3/merged" "$3/after/$kernel_path" \
					"$3/before/$kernel_path" && rm "$1/$kernel_path" &&
				mv "$3/merged" "$1/$kernel_path"
		fi || return
	done
}

kernel_patch_failed() {
	case $2 in
	-*)
		cache_failed "$1" 4 "--without ${2##*/}: later patches build on it:" \
			"kernel/reverts/$(kernel_revert_name "$2") must take it back by hand"
		;;
	esac
	cache_failed "$1" 4 "$2 does not apply to $KERNEL_VERSION"
}

# ---------------------------------------------------------------------------------------------
# The source: a Debian package, a tarball, or a folder

kernel_base() {
	sed -n "s/^$1=//p" "$REPO/kernel/base"
}

# Inside the toolbox the host's apt settings are in /run/vmali; see toolbox_settings().
source_apt_settings() {
	if [ -d /run/vmali/apt ]; then
		cp -R /run/vmali/apt "$1/apt"
	else
		apt_settings "$1/apt"
	fi
	SOURCE_MIRROR=$(cat "$1/apt/mirror")
	[ -n "$SOURCE_MIRROR" ] ||
		die 2 'this machine knows no Debian mirror to take the kernel source from:' \
			'set VMALI_MIRROR to the address of one, or give --kernel DIR'
}

# Writes an apt configuration that knows nothing but one suite of the mirror, and keeps all that it
# writes in FOLDER $1. SOURCE_ARCHITECTURES may name those of the packages, SOURCE_STATUS dpkg's list
# of what is installed.
source_apt_conf() {
	mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
	cat "${SOURCE_STATUS:-/dev/null}" >"$1/apt/status"
	source_architectures=$(printf '%s' "${SOURCE_ARCHITECTURES:-amd64}" | sed 's/[^ ]*/"&";/g')
	{
		cat "$1/apt/options"
		[ ! -f "$1/apt/ca.crt" ] || printf 'Acquire::https::CAInfo "%s";\n' "$1/apt/ca.crt"
		cat <<CONF
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$1/apt/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$1/apt";
Dir::State::lists "$1/apt/lists";
Dir::State::status "$1/apt/status";
Dir::Cache "$1/apt";
Dir::Cache::archives "$1/apt/archives";
APT::Architecture "amd64";
APT::Architectures { $source_architectures };
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
	} >"$1/apt/conf"
}

# source_apt_update FOLDER SUITE: sets the suite of that configuration, and fetches its index.
source_apt_update() {
	source_keys=$(find "$1/apt/keys" -type f | paste -s -d , -)
	printf 'deb %s%s %s main\n' "${source_keys:+[signed-by=$source_keys] }" \
		"$SOURCE_MIRROR" "$2" >"$1/apt/sources"
	{
		source_apt "$1" apt-get -q update >"$1/log" 2>&1 &&
			! grep -q -E '^(W: Failed to fetch|Err:|E: )' "$1/log"
	} || {
		apt_explain "$1" "$SOURCE_MIRROR" "$2"
		cache_failed "$1" 2 'apt-get update failed: its last lines are above'
	}
}

source_apt() {
	source_apt_folder=$1
	shift
	(
		cd "$source_apt_folder/apt/archives" &&
			APT_CONFIG=$source_apt_folder/apt/conf "$@"
	)
}

# What the step is doing: bytes of the download, or files unpacked.
source_progress() {
	if [ -d "$1/linux" ]; then
		echo unpacking
	else
		find "$1/apt/archives" -type f -printf '%s\n' |
			awk '{ n += $1 } END { if (n) printf "%d MiB downloaded", n / 1048576 }'
	fi
}

# source_codename FOLDER SUITE: prints the codename of the suite that was fetched. On a mirror
# that copies on demand the folder of an alias may be older than that of the codename.
source_codename() {
	# shellcheck disable=SC2016 # apt's own variable
	source_apt "$1" apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' |
		grep -x -E '[a-z][a-z-]*' || printf '%s\n' "$2"
}

# Downloads the newest package $2 of suite $3 to FOLDER $1.
source_download() {
	source_apt_settings "$1" && source_apt_conf "$1" && source_apt_update "$1" "$3" || return
	source_suite=$(source_codename "$1" "$3")
	[ "$source_suite" = "$3" ] || source_apt_update "$1" "$source_suite"
	source_apt "$1" apt-cache show --no-all-versions "$2" >"$1/package" 2>/dev/null ||
		die 2 "$source_suite of $SOURCE_MIRROR has no package $2 any more:" \
			'give --kernel DIR|TARBALL'
	source_apt "$1" apt-get -q download "$2" >"$1/log" 2>&1 || {
		apt_explain "$1" "$SOURCE_MIRROR" "$source_suite"
		cache_failed "$1" 2 "apt-get could not download $2: its last lines are above"
	}
}

# source_unpack FOLDER TARBALL: unpacks into FOLDER/linux, without the one folder that holds all.
source_unpack() {
	mkdir "$1/linux"
	tar -x -f "$2" -C "$1/linux" --strip-components=1 --no-same-owner >>"$1/log" 2>&1 ||
		cache_failed "$1" 2 "$2 cannot be unpacked"
	{ [ -f "$1/linux/Kbuild" ] && [ -d "$1/linux/$PANTHOR" ]; } ||
		die 2 "$2 holds no kernel source that has $PANTHOR"
}

# Fills an entry: linux/, and version, which says what it is.
source_make_package() {
	cache_room "$SOURCE_MIB"
	source_download "$@" || return
	dpkg-deb -x "$1"/apt/archives/*.deb "$1/deb" >>"$1/log" 2>&1 ||
		cache_failed "$1" 2 "the package $2 cannot be unpacked"
	source_unpack "$1" "$(find "$1/deb/usr/src" -name 'linux-source-*.tar.*')" || return
	sed -n "s/^Version: \(.*\)/$2 \1/p" "$1/package" >"$1/version"
	rm -rf "$1/apt" "$1/deb" "$1/package"
}

source_make_tarball() {
	cache_room "$SOURCE_MIB"
	source_unpack "$1" "$2" || return
	printf '%s\n' "${2##*/}" >"$1/version"
}

# source_list TREE: one line a file: path, size, time of change, without the driver and what a build
# or git leaves.
source_list() {
	find "$1" \( -path "$1/.git" -o -path "$1/$PANTHOR" \) -prune -o \( -type f -o -type l \) \
		! -name '*.o' ! -name '*.a' ! -name '*.ko' ! -name '.*.cmd' -printf '%P %s %T@\n' |
		LC_ALL=C sort
}

# A folder in which a kernel was built cannot serve for a build elsewhere.
source_is_built() {
	[ -e "$1/.config" ] || [ -d "$1/include/config" ] || [ -d "$1/arch/x86/include/generated" ]
}

# Fills an entry with a clean copy of such a folder.
source_make_copy() {
	cache_room "$SOURCE_MIB"
	{
		rsync -a --no-owner --no-group --exclude=/.git --exclude='*.o' --exclude='*.a' \
			--exclude='*.ko' "$2/" "$1/linux" >"$1/log" 2>&1 &&
			make -C "$1/linux" ARCH=x86_64 mrproper >>"$1/log" 2>&1 </dev/null
	} ||
		cache_failed "$1" 2 "$2: cannot be copied"
	source_describe "$2" >"$1/version"
}

# Prints version and folder of a source tree.
source_describe() {
	printf '%s in %s\n' "$(make -s -C "$1" kernelversion </dev/null)" "$1"
}

# Fills an entry with a copy of the tree $2, of hard links where that can be, in which the files of the
# folder $3 replace its own, and those that the file $4 names are gone.
source_make_patched() {
	cp -al "$2" "$1/linux" 2>/dev/null || {
		rm -rf "$1/linux"
		cache_room "$SOURCE_MIB"
		rsync -a --no-owner --no-group --exclude=/.git "$2/" "$1/linux" >"$1/log" 2>&1 ||
			cache_failed "$1" 2 "$2: cannot be copied"
	}
	{
		(cd "$1/linux" && xargs -r -d '\n' rm -f --) <"$4" &&
			cp -r --remove-destination "$3/." "$1/linux/"
	} >"$1/log" 2>&1 ||
		cache_failed "$1" 2 "$2: its copy cannot be patched"
	printf '%s\n' "$KERNEL_VERSION" >"$1/version"
}

# source_patched_newer FOLDER FILE: the files that were patched in the copy FOLDER become newer than FILE,
# which has the time of a kernel without the patches. They are older if the copy was made first, and make
# would not compile what depends on them again.
source_patched_newer() {
	find "$1" -type f -newer "${KERNEL_SOURCE%/linux}/version" ! -newer "$2" -exec touch {} +
}

# source_shown FOLDER: mounts FOLDER over KERNEL_SOURCE, for this session only. Object trees hold the
# path of their source tree. With one path for all states of the source, they can be reused.
source_shown() {
	mount --bind "$1" "$KERNEL_SOURCE" || die 2 "cannot mount over $KERNEL_SOURCE: be root"
}

source_package_key() {
	printf '%s\n' "$SOURCE_RECIPE" "$(kernel_base package)" "$(kernel_base suite)" | key_of
}

# True if kernel_source_ensure() will download nothing.
kernel_source_cached() {
	[ -n "${KERNEL_ARG:-}" ] || cache_has source "$(source_package_key)"
}

source_ensure_package() {
	source_package=$(kernel_base package)
	source_key=$(source_package_key)
	STEP_DETAIL=source_progress
	cache_build source "$source_key" "kernel source ($source_package)" source_make_package \
		"$source_package" "$(kernel_base suite)" || exit
	KERNEL_SOURCE=$(cache_entry source "$source_key")/linux
	KERNEL_VERSION=$(cat "${KERNEL_SOURCE%/linux}/version")
	KERNEL_SOURCE_ID=$KERNEL_VERSION
}

source_ensure_tarball() {
	source_key=$({ echo "$SOURCE_RECIPE" && sha256sum <"$KERNEL_ARG"; } | key_of)
	STEP_DETAIL=source_progress
	cache_build source "$source_key" "kernel source (${KERNEL_ARG##*/})" source_make_tarball \
		"$KERNEL_ARG" || exit
	KERNEL_SOURCE=$(cache_entry source "$source_key")/linux
	KERNEL_VERSION=$(cat "${KERNEL_SOURCE%/linux}/version")
	KERNEL_SOURCE_ID=$source_key
}

# A folder is built in place, out of tree; the key is made of sizes and times of change.
source_ensure_folder() {
	[ -d "$KERNEL_ARG/$PANTHOR" ] || die 2 "--kernel $KERNEL_ARG: has no $PANTHOR"
	KERNEL_SOURCE=$KERNEL_ARG
	KERNEL_VERSION=$(source_describe "$KERNEL_ARG")
	KERNEL_SOURCE_ID=$(source_list "$KERNEL_SOURCE" | key_of)
	source_is_built "$KERNEL_ARG" || return 0
	source_key=$({
		echo "$SOURCE_RECIPE $KERNEL_SOURCE_ID"
		find "$KERNEL_ARG/$PANTHOR" -type f -printf '%P %s %T@\n' | LC_ALL=C sort
	} | key_of)
	cache_build source "$source_key" 'kernel source (a clean copy)' source_make_copy \
		"$KERNEL_ARG" || exit
	source_shown "$(cache_entry source "$source_key")/linux"
	KERNEL_SOURCE_ID=$(source_list "$KERNEL_SOURCE" | key_of)
}

# source_patch FOLDER: makes FOLDER/files of the files beyond the driver that the patches change, as they
# are then, and FOLDER/gone, the names of those that they remove.
source_patch() {
	mkdir "$1/files"
	kernel_patches_with patch_paths | grep -v "^$PANTHOR/" >"$1/touched"
	while IFS= read -r source_path; do
		[ ! -e "$KERNEL_SOURCE/$source_path" ] ||
			(cd "$KERNEL_SOURCE" && cp --parents "$source_path" "$1/files/") || return 2
	done <"$1/touched"
	kernel_patches_apply "$1" "$1/files" rest || return
	while IFS= read -r source_path; do
		if [ ! -e "$1/files/$source_path" ]; then
			[ ! -e "$KERNEL_SOURCE/$source_path" ] || printf '%s\n' "$source_path"
		elif cmp -s "$KERNEL_SOURCE/$source_path" "$1/files/$source_path"; then
			rm "$1/files/$source_path"
		fi
	done <"$1/touched" >"$1/gone"
}

# Patches beyond the driver: if they change anything there, a patched copy takes the place of the tree.
# Its key is made of the files that they change, as they are then: what leads to the same kernel has
# the same key.
source_ensure_patched() {
	source_scratch=$(mktemp -d)
	(source_patch "$source_scratch") || {
		source_status=$?
		rm -rf "$source_scratch"
		exit "$source_status"
	}
	[ -z "$(find "$source_scratch/files" -type f)$(cat "$source_scratch/gone")" ] || {
		source_key=$({
			echo "$SOURCE_RECIPE $KERNEL_SOURCE_ID"
			find "$KERNEL_SOURCE/$PANTHOR" -type f -exec sha256sum {} + | cut -d ' ' -f 1
			(cd "$source_scratch/files" && find . -type f -exec sha256sum {} + |
				LC_ALL=C sort)
			cat "$source_scratch/gone"
		} | key_of)
		STEP_DETAIL=''
		cache_build source "$source_key" 'kernel source (patched)' source_make_patched \
			"$KERNEL_SOURCE" "$source_scratch/files" "$source_scratch/gone" || exit
		source_shown "$(cache_entry source "$source_key")/linux"
		KERNEL_UNPATCHED_ID=$KERNEL_SOURCE_ID KERNEL_SOURCE_ID=$source_key KERNEL_PATCHED=1
	}
	rm -rf "$source_scratch"
}

# source_check_path PATH ADVICE: make takes blanks and colons for its own.
source_check_path() {
	case $1 in
	*[[:space:]:]*) die 2 "a kernel cannot be built in $1: $2" ;;
	esac
}

# kernel_source_ensure: sets KERNEL_SOURCE, KERNEL_VERSION (for people), KERNEL_SOURCE_ID (for
# keys: all of the tree but the driver), KERNEL_PATCHED (1: what the patches change beyond the driver is
# in the tree already; KERNEL_UNPATCHED_ID is the tree without it).
kernel_source_ensure() {
	[ -z "${KERNEL_SOURCE_ID:-}" ] || return 0
	source_check_path "$(cache_path)" 'set XDG_CACHE_HOME to a path without blanks and colons'
	source_check_path "${KERNEL_ARG:-}" 'give it a name without blanks and colons'
	kernel_patches_with patches_check || exit
	KERNEL_PATCHED=0
	if [ -z "${KERNEL_ARG:-}" ]; then
		source_ensure_package
	elif [ -d "$KERNEL_ARG" ]; then
		source_ensure_folder
	else
		source_ensure_tarball
	fi
	[ -z "$(kernel_patches_wide)" ] || source_ensure_patched
}

# ---------------------------------------------------------------------------------------------
# The kernel

# Prints the options of the fragments; of an option that is in both, only the later line.
kernel_config() {
	set -- "$REPO/kernel/config/board.config"
	[ "${SANITIZE:-0}" = 0 ] || set -- "$@" "$REPO/kernel/config/sanitize.config"
	[ "${COVERAGE:-0}" = 0 ] || set -- "$@" "$REPO/kernel/config/coverage.config"
	grep -h -E '^(CONFIG_[A-Za-z0-9_]+=|# CONFIG_[A-Za-z0-9_]+ is not set$)' "$@" | awk '
		{
			name = $0
			sub(/^# /, "", name)
			sub(/[= ].*/, "", name)
			if (!(name in line))
				order[++n] = name
			line[name] = $0
		}
		END { for (i = 1; i <= n; i++) print line[order[i]] }'
}

# Prints the options of the fragment that are not in the configuration $1 as asked for. An option
# that is off may be absent altogether.
kernel_config_lost() {
	kernel_config | awk -v config="$1" '
		function name(line) {
			sub(/^# /, "", line)
			sub(/[= ].*/, "", line)
			return line
		}
		BEGIN {
			while ((getline line < config) > 0)
				if (line ~ /CONFIG_/)
					got[name(line)] = line
		}
		/^#/ && !(name($0) in got) { next }
		got[name($0)] != $0 { print name($0) }'
}

# kernel_configure FOLDER
kernel_configure() {
	{
		kernel_make O="$KERNEL_OBJECTS" tinyconfig &&
			kernel_config >>"$1/build/.config" &&
			kernel_make O="$KERNEL_OBJECTS" olddefconfig
	} >>"$1/log" 2>&1 ||
		cache_failed "$1" 4 'the kernel could not be configured: the last lines are above'
	kernel_lost=$(kernel_config_lost "$1/build/.config" | paste -s -d ' ' -)
	[ -z "$kernel_lost" ] || die 4 "$KERNEL_VERSION does not take these options of" \
		"kernel/config: $kernel_lost"
}

kernel_progress() {
	kernel_objects=$(grep -c -E '^  (CC|AS|LD|AR) ' "$1/log")
	[ "$kernel_objects" -eq 0 ] || printf '%d objects' "$kernel_objects"
}

# Prints what objects depend on besides the source. Kernels that agree in it can be built from each
# other's objects.
kernel_lineage() {
	printf '%s\n' "$KERNEL_RECIPE" "$KERNEL_SOURCE"
	gcc --version
	ld --version
	kernel_config
}

# kernel_usable_base ENTRY LIST: true if make will notice every difference between the tree of LIST and
# the tree that ENTRY was built from: make compares times, so each must be newer than ENTRY.
kernel_usable_base() {
	kernel_built=$(stat -c %Y "$1/files")
	LC_ALL=C comm -13 "$1/files" "$2" | awk -v built="$kernel_built" '
		$NF <= built { exit old = 1 }
		END { exit old }'
}

# kernel_start_from_base FOLDER: copies the object tree of the newest usable kernel of the cache.
kernel_start_from_base() {
	(cd "$CACHE_DIR/kernel" && find . -mindepth 2 -maxdepth 2 ! -path './.*' -name lineage \
		-printf '%T@ %P\n') | sort -rn | sed 's/^[^ ]* //; s,/lineage$,,' |
		while IFS= read -r kernel_entry; do
			kernel_entry=$CACHE_DIR/kernel/$kernel_entry
			if cmp -s "$kernel_entry/lineage" "$1/lineage" &&
				kernel_usable_base "$kernel_entry" "$1/files"; then
				echo "starting from the objects of $kernel_entry" >>"$1/log"
				cp -a "$kernel_entry/build" "$1/build" 2>>"$1/log" ||
					rm -rf "$1/build"
				return
			fi
		done
}

# An object tree holds its own path, and make would rebuild much of it at another one. All are built
# at one path, where each session mounts its own.
kernel_mount_objects() {
	KERNEL_OBJECTS=$CACHE_DIR/kernel/.objects
	{ mkdir -p "$1/build" "$KERNEL_OBJECTS" && mount --bind "$1/build" "$KERNEL_OBJECTS"; } ||
		die 2 "cannot mount over $KERNEL_OBJECTS: be root"
}

# Copies the modules that the guest loads besides the driver.
kernel_collect_modules() {
	mkdir "$1/modules"
	sed 's/\.o$/.ko/' "$1/build/modules.order" | while IFS= read -r kernel_module; do
		cp "$1/build/$kernel_module" "$1/modules/" || return
	done || return
	kernel_order_modules "$1"
}

# Writes modules/order, which lists dependencies first, as modules.order does not.
kernel_order_modules() {
	: >"$1/modules/order"
	for kernel_module in "$1"/modules/*.ko; do
		kernel_name=$(basename "$kernel_module" .ko | tr - _)
		printf '%s %s\n' "$kernel_name" "$kernel_name"
		modinfo -F depends "$kernel_module" | tr ',' '\n' | sed '/^$/d' | tr - _ |
			sed "s/\$/ $kernel_name/"
	done | tsort >"$1/log.order" || return
	while IFS= read -r kernel_name; do
		find "$1/modules" -name "$(printf '%s' "$kernel_name" | tr _ '?').ko" -printf '%f\n'
	done <"$1/log.order" >"$1/modules/order"
	rm "$1/log.order"
}

# Removes intermediate files that make rebuilds in any case.
kernel_prune() {
	find "$1/build" -maxdepth 1 \( -name '.tmp_vmlinux*' -o -name 'vmlinux.o' -o \
		-name 'vmlinux.unstripped' \) -delete
}

# Fills an entry. The driver is left out of the tree's own build: its errors are those of
# module_ensure(), and its content is no part of this entry's key.
kernel_make_entry() {
	cache_room "$KERNEL_MIB"
	kernel_lineage >"$1/lineage"
	source_list "$KERNEL_SOURCE" >"$1/files"
	kernel_start_from_base "$1"
	kernel_mount_objects "$1"
	kernel_configure "$1"
	verbose "make -C $KERNEL_SOURCE O=$KERNEL_OBJECTS bzImage modules"
	kernel_make O="$KERNEL_OBJECTS" CONFIG_DRM_PANTHOR=n bzImage modules >>"$1/log" 2>&1 ||
		kernel_build_failed "$1" 'the kernel'
	source_list "$KERNEL_SOURCE" | cmp -s - "$1/files" ||
		die 4 "$KERNEL_SOURCE changed while it was being built: run again"
	kernel_make O="$KERNEL_OBJECTS" INSTALL_HDR_PATH="$1/headers" headers_install \
		>>"$1/log" 2>&1 ||
		kernel_build_failed "$1" 'the headers of the kernel'
	{
		umount "$KERNEL_OBJECTS" && cp "$1/build/arch/x86/boot/bzImage" "$1/" &&
			kernel_collect_modules "$1" &&
			cp "$1/build/include/config/kernel.release" "$1/release" &&
			printf '%s\n' "$KERNEL_VERSION" >"$1/source-version" &&
			kernel_prune "$1"
	} ||
		cache_failed "$1" 4 'the kernel was built, but lacks parts: last lines above'
}

# kernel_build_failed FOLDER WHAT: shows the errors in make's output, or its last lines if it has none.
kernel_build_failed() {
	! cache_full "$1" || cache_no_space
	grep -A 3 -E '(error|ERROR|Error|undefined)[: ]' "$1/log" |
		grep -v -E 'make(\[[0-9]+\])?: ' | head -n 20 >"$1/errors" || :
	[ ! -s "$1/errors" ] || mv "$1/errors" "$1/log"
	cache_failed "$1" 4 "$2 could not be built ($KERNEL_VERSION)"
}

kernel_key() {
	{
		kernel_lineage | grep -v -x -F "$KERNEL_SOURCE"
		echo "$KERNEL_SOURCE_ID"
	} | key_of
}

# A kernel whose source was patched is built from the objects of the one without those patches: the
# other way round make would take files of the package, which are older, for unchanged. Whoever gives
# a tree of their own needs one kernel only.
kernel_unpatched_ensure() {
	[ "$KERNEL_PATCHED" = 1 ] && [ -z "${KERNEL_ARG:-}" ] && ! cache_has kernel "$KERNEL_KEY" ||
		return 0
	umount "$KERNEL_SOURCE"
	kernel_unpatched=$(KERNEL_SOURCE_ID=$KERNEL_UNPATCHED_ID && kernel_key)
	(
		KERNEL_SOURCE_ID=$KERNEL_UNPATCHED_ID
		cache_build kernel "$kernel_unpatched" "kernel ($KERNEL_VERSION)" kernel_make_entry
	) || exit
	source_patched_newer "$(cache_entry source "$source_key")/linux" \
		"$(cache_entry kernel "$kernel_unpatched")/files"
	source_shown "$(cache_entry source "$source_key")/linux"
}

# kernel_ensure: sets KERNEL_DIR, see above.
kernel_ensure() {
	kernel_source_ensure
	# shellcheck disable=SC2034 # for step_line()
	STEP_DETAIL=kernel_progress
	KERNEL_KEY=$(kernel_key)
	kernel_unpatched_ensure
	cache_build kernel "$KERNEL_KEY" "kernel ($KERNEL_VERSION$(
		[ "$KERNEL_PATCHED" = 0 ] || echo ', patched'
	))" kernel_make_entry || exit
	KERNEL_DIR=$(cache_entry kernel "$KERNEL_KEY")
}

# ---------------------------------------------------------------------------------------------
# The modules under test

module_inputs() {
	echo "$MODULE_RECIPE $KERNEL_KEY"
	find "$KERNEL_SOURCE/$PANTHOR" "$REPO/kernel/vmali-pci" -type f -print0 | LC_ALL=C sort -z |
		xargs -0 sha256sum | sed 's,  .*/, ,'
	kernel_patches_content
	[ "${KUNIT:-0}" = 0 ] || echo kunit
	[ "${COVERAGE:-0}" = 0 ] || echo coverage
}

# What make is told about the driver: its options that are off in the kernel's configuration, by
# make's variables, which Makefiles see, and by macros, which IS_ENABLED() sees.
module_options() {
	[ "${KUNIT:-0}" = 0 ] || printf '%s\n' CONFIG_DRM_PANTHOR_KUNIT_TEST=m \
		KCFLAGS=-DCONFIG_DRM_PANTHOR_KUNIT_TEST_MODULE=1
	[ "${COVERAGE:-0}" = 0 ] || echo GCOV_PROFILE=y
}

# Puts the self-test of io-pgtable, if the source has it, beside the sources in the folder $1: the driver
# makes its page tables with io-pgtable, and no kernel of the board needs the test.
module_add_selftest() {
	[ "${KUNIT:-0}" = 1 ] && [ -f "$KERNEL_SOURCE/$SELFTEST.c" ] || return 0
	mkdir "$1/io-pgtable" &&
		cp "$KERNEL_SOURCE/$SELFTEST.c" "$KERNEL_SOURCE"/drivers/iommu/io-pgtable-arm.h \
			"$1/io-pgtable/" &&
		printf 'obj-m += %s.o\n' "${SELFTEST##*/}" >"$1/io-pgtable/Kbuild" &&
		echo 'obj-m += io-pgtable/' >>"$1/Kbuild"
}

# Keeps the KUnit modules in kunit/ of the entry $1.
module_keep_kunit() {
	mkdir "$1/kunit"
	find "$1/src/$PANTHOR" -name '*kunit*.ko' -exec cp -t "$1/kunit" {} +
	[ -n "$(ls -A "$1/kunit")" ] || die 3 'the driver under test has no KUnit tests'
	[ ! -d "$1/src/io-pgtable" ] || cp "$1"/src/io-pgtable/*.ko "$1/kunit/"
}

# The key of the modules without what --without and --patch change: the series, or nothing.
module_base_key() (
	WITHOUT='' UNTIL='' PATCHES=''
	module_inputs | key_of
)

# The sources in the folder $1, beside which make may have put other files.
module_sources() {
	(cd "$1" && find . -type f \( -name '*.[ch]' -o -name 'K[bc]*' -o -name 'Makefile*' \) \
		! -name '*.mod.c')
}

# module_has_more BASE WANTED: whether BASE has sources that WANTED lacks. Their objects would be linked
# into the module.
module_has_more() {
	! module_sources "$1" | while IFS= read -r module_file; do
		[ -f "$2/$module_file" ] || exit 1
	done
}

# All modules are built at one path, for the reason of kernel_mount_objects(). An entry of the series
# alone keeps its objects in src/, as one whose lines are counted does. Sources of $1/src that differ replace those of the copy, and are
# newer.
module_start_from_base() {
	module_base=$(cache_entry module "$(module_base_key)")/src
	[ -d "$module_base" ] || return 0
	! module_has_more "$module_base" "$1/src" || return 0
	mv "$1/src" "$1/wanted"
	cp -a "$module_base" "$1/src" &&
		rsync -r --checksum "$1/wanted/" "$1/src" && rm -rf "$1/wanted"
}

# A build that failed leaves a mount of a removed folder behind.
module_mount_objects() {
	MODULE_OBJECTS=$CACHE_DIR/module/.objects
	umount "$MODULE_OBJECTS" 2>/dev/null || :
	{ mkdir -p "$MODULE_OBJECTS" && mount --bind "$1/src" "$MODULE_OBJECTS"; } ||
		die 2 "cannot mount over $MODULE_OBJECTS: be root"
}

# Fills an entry: both modules from one call of make, in a tree that has the driver at its place.
module_make_entry() {
	mkdir -p "$1/src/$PANTHOR" "$1/src/vmali-pci"
	{
		rsync -a --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd' \
			"$KERNEL_SOURCE/$PANTHOR/" "$1/src/$PANTHOR" &&
			cp "$REPO"/kernel/vmali-pci/* "$1/src/vmali-pci/"
	} ||
		cache_failed "$1" 4 'the sources of the modules are incomplete'
	kernel_patches_apply "$1" "$1/src" driver || exit
	printf 'obj-m += %s/\nobj-m += vmali-pci/\n' "$PANTHOR" >"$1/src/Kbuild"
	module_add_selftest "$1/src" || return
	module_start_from_base "$1" && module_mount_objects "$1" || return
	verbose "make -C $KERNEL_DIR/build M=$MODULE_OBJECTS modules"
	# shellcheck disable=SC2046 # options without blanks
	arch_module_make M="$MODULE_OBJECTS" $(module_options) modules >>"$1/log" 2>&1 ||
		kernel_build_failed "$1" 'panthor or vmali-pci'
	umount "$MODULE_OBJECTS"
	[ "${KUNIT:-0}" = 0 ] || module_keep_kunit "$1"
	cp "$1/src/$PANTHOR/panthor.ko" "$1/src/vmali-pci/vmali-pci.ko" "$1/" &&
		arch_module_finish "$1" || return 4
	[ "$module_key" = "$(module_base_key)" ] || [ "${COVERAGE:-0}" = 1 ] || rm -rf "$1/src"
}

# module_ensure: sets MODULE_DIR, see above.
module_ensure() {
	[ -n "${KERNEL_DIR:-}" ] || arch_kernel_ensure
	module_key=$(module_inputs | key_of)
	# shellcheck disable=SC2034 # for step_line()
	STEP_DETAIL=''
	cache_build module "$module_key" 'panthor and vmali-pci' module_make_entry || exit
	# shellcheck disable=SC2034 # for lab/guest.sh
	MODULE_DIR=$(cache_entry module "$module_key")
}
