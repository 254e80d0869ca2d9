# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# kernel/patches as git commits and back, for kernel/mail and kernel/export; runs inside the toolbox,
# whose git is used with no settings but these. Needs lab/common.sh and lab/kernel.sh.
#
# A series is a folder of kernel/patches with a file cover.txt: subject and text of its cover letter,
# with `RFC: ` in front of the subject if the series is a request for comments. What a patch has
# between its three dashes and its diffstat is the git note of its commit.

# No person: whoever sends the patches has kernel/export put a name there.
MAIL_NAME='vmali authors' MAIL_EMAIL=vmali@localhost

# Prints the series of the folder $1 in the order in which they go out.
mail_all_series() {
	(cd "$1" && ls -d -- */cover.txt 2>/dev/null) | sed 's,/cover.txt$,,' | LC_ALL=C sort
}

# mail_patches FOLDER SERIES: prints the patches of a series, as the series file has them.
mail_patches() {
	sed -e 's/[[:space:]]*#.*//' "$1/series" | grep "^$2/"
}

# ---------------------------------------------------------------------------------------------
# From patches to commits

# Prints the note of a patch.
mail_note() {
	awk '
		/^diff --git / || (inside && /^ .*\|/) { exit }
		inside { text = text $0 "\n" }
		$0 == "---" { inside = 1 }
		END { sub(/\n+$/, "", text); if (text != "") print text }' "$1"
}

# mail_repository DIR FOLDER WHOLE: makes a repository of one commit: all of the source, or the driver's
# folder and all files that the patches touch.
mail_repository() {
	git init -q -b base "$1"
	git -C "$1" config user.name "$MAIL_NAME"
	git -C "$1" config user.email "$MAIL_EMAIL"
	# A rebase moves the branches of all series, and takes the notes along.
	git -C "$1" config rebase.updateRefs true
	git -C "$1" config notes.rewriteRef refs/notes/commits
	[ ! -f "$KERNEL_SOURCE/.gitattributes" ] ||
		cp "$KERNEL_SOURCE/.gitattributes" "$1/.git/info/attributes"
	if [ "$3" = 1 ]; then
		rsync -a --exclude=/.git "$KERNEL_SOURCE/" "$1/"
	else
		{
			find "$KERNEL_SOURCE/$PANTHOR" -type f -printf "$PANTHOR/%P\n"
			mail_touched "$2"
		} | sort -u | rsync -a --files-from=- "$KERNEL_SOURCE/" "$1/"
	fi
	git -C "$1" add --all --force
	GIT_AUTHOR_DATE='1970-01-01T00:00:00Z' GIT_COMMITTER_DATE='1970-01-01T00:00:00Z' \
		git -C "$1" commit -q -m "$KERNEL_VERSION"
}

# Prints the paths that the patches of FOLDER touch and the source has.
mail_touched() {
	for mail_series in $(mail_all_series "$1"); do
		mail_patches "$1" "$mail_series"
	done | (cd "$1" && xargs -r cat) >"$MAIL_SCRATCH/all"
	patch_paths "$MAIL_SCRATCH/all" | while IFS= read -r mail_path; do
		[ ! -e "$KERNEL_SOURCE/$mail_path" ] || printf '%s\n' "$mail_path"
	done
}

# mail_apply DIR FOLDER PATCH: one commit by git am, with its note.
mail_apply() {
	mail_dir=$1 mail_patch=$2/$3
	# shellcheck disable=SC2086 # one option or none
	git -C "$mail_dir" am -q -3 --committer-date-is-author-date ${MAIL_AM:-} <"$mail_patch" \
		>"$MAIL_SCRATCH/log" 2>&1 || {
		sed 's/^/  | /' "$MAIL_SCRATCH/log" >&2
		mail_die "$mail_patch does not apply to $KERNEL_VERSION and the patches before it"
	}
	mail_note "$mail_patch" >"$MAIL_SCRATCH/note"
	[ ! -s "$MAIL_SCRATCH/note" ] ||
		git -C "$mail_dir" notes add -f -F "$MAIL_SCRATCH/note" 2>/dev/null
}

# mail_unpack DIR FOLDER WHOLE: makes the repository DIR of the patches in FOLDER: a branch `base`, and one
# for each series, which ends it.
mail_unpack() {
	mail_repository "$1" "$2" "$3" || mail_die "$1: no repository could be made"
	for mail_series in $(mail_all_series "$2"); do
		git -C "$1" switch -q -c "$mail_series" || return
		for mail_file in $(mail_patches "$2" "$mail_series"); do
			mail_apply "$1" "$2" "$mail_file" || return
		done
	done
}

# ---------------------------------------------------------------------------------------------
# From commits to patches

# mail_branches DIR FOLDER: prints `OLD NEW` for each series: the branches before and at its end.
mail_branches() {
	mail_before=base
	for mail_series in $(mail_all_series "$2"); do
		git -C "$1" merge-base --is-ancestor "$mail_before" "$mail_series" 2>/dev/null ||
			mail_die "$1: no branch $mail_series on top of the branch $mail_before"
		[ "$(git -C "$1" rev-list --count "$mail_before..$mail_series")" -gt 0 ] ||
			mail_die "$1: the branch $mail_series has no commit of its own"
		echo "$mail_before $mail_series"
		mail_before=$mail_series
	done
}

# mail_format DIR OLD NEW COVER OUT: mails of the commits OLD..NEW, and a cover letter.
mail_format() {
	sed '1s/^RFC: //' "$4" >"$MAIL_SCRATCH/cover"
	mail_rfc=''
	! head -n 1 "$4" | grep -q '^RFC: ' || mail_rfc=--rfc
	GIT_COMMITTER_DATE=$(git -C "$1" log -1 --format=%aI "$3")
	export GIT_COMMITTER_DATE
	# shellcheck disable=SC2086 # one option or none
	git -C "$1" format-patch -q --no-signature --zero-commit --full-index --no-notes --numbered \
		--no-base --no-thread --filename-max-length=200 $mail_rfc --cover-letter \
		--description-file="$MAIL_SCRATCH/cover" --cover-from-description=subject \
		-o "$5" "$2..$3" || return
	unset GIT_COMMITTER_DATE
}

# mail_add_notes DIR OLD NEW OUT: puts the notes of the commits below the three dashes of their mails.
# With a fifth argument, an awk program, it edits them first.
mail_add_notes() {
	git -C "$1" rev-list --reverse "$2..$3" >"$MAIL_SCRATCH/commits"
	mail_n=0
	while read -r mail_commit; do
		mail_n=$((mail_n + 1))
		git -C "$1" notes show "$mail_commit" 2>/dev/null >"$MAIL_SCRATCH/note" || continue
		[ -z "${5:-}" ] || {
			awk "$5" "$MAIL_SCRATCH/note" >"$MAIL_SCRATCH/edited"
			mv "$MAIL_SCRATCH/edited" "$MAIL_SCRATCH/note"
		}
		mail_file=$(ls "$4/$(printf %04d "$mail_n")"-*)
		awk -v note="$MAIL_SCRATCH/note" '
			{ print }
			$0 == "---" && !done++ {
				while ((getline line < note) > 0) {
					print line
					any = 1
				}
				if (any)
					print ""
			}' "$mail_file" >"$MAIL_SCRATCH/mail"
		cat "$MAIL_SCRATCH/mail" >"$mail_file"
	done <"$MAIL_SCRATCH/commits"
}

# File names without the driver's prefix: they are typed.
mail_short_names() {
	for mail_file in "$1"/*-drm-panthor-*.patch; do
		[ ! -e "$mail_file" ] ||
			mv "$mail_file" "$(printf '%s' "$mail_file" | sed 's/-drm-panthor-/-/')"
	done
}

# Prints the commits of DIR that name a person.
mail_persons() {
	git -C "$1" log --format='%h %an <%ae>' "base..$2" |
		grep -v -F " $MAIL_NAME <$MAIL_EMAIL>"
}

# mail_pack DIR FOLDER: writes the patches, cover letters and series file of FOLDER anew from DIR.
mail_pack() {
	mail_branches "$1" "$2" >"$MAIL_SCRATCH/branches" || return
	[ -s "$MAIL_SCRATCH/branches" ] || mail_die "$2 has no series: no folder with a cover.txt"
	sed -n '/^[^#]/q; p' "$2/series" >"$MAIL_SCRATCH/series"
	while read -r mail_old mail_new; do
		mail_person=$(mail_persons "$1" "$mail_new" | head -n 1)
		[ -z "$mail_person" ] || mail_die "$1: the commit ${mail_person%% *} names a" \
			"person (${mail_person#* }): git commit --amend --reset-author"
		mail_out=$MAIL_SCRATCH/out/$mail_new
		mkdir -p "$mail_out"
		mail_format "$1" "$mail_old" "$mail_new" "$2/$mail_new/cover.txt" "$mail_out" &&
			mail_add_notes "$1" "$mail_old" "$mail_new" "$mail_out" &&
			mail_short_names "$mail_out" || return
		for mail_file in "$mail_out"/*.patch; do
			printf '%s/%s\n' "$mail_new" "${mail_file##*/}"
		done | grep -v /0000- >>"$MAIL_SCRATCH/series"
	done <"$MAIL_SCRATCH/branches"
	for mail_series in $(mail_all_series "$2"); do
		rm -f "$2/$mail_series"/[0-9][0-9][0-9][0-9]-*.patch
		cp "$MAIL_SCRATCH/out/$mail_series"/*.patch "$2/$mail_series/"
	done
	cp "$MAIL_SCRATCH/series" "$2/series"
}

# ---------------------------------------------------------------------------------------------
# Mails that are sent

# Turns a note of the project into what the mail says below its three dashes. The text is filled like
# that of a mail.
# shellcheck disable=SC2016 # awk's
MAIL_NOTE='
	function fill(text,    n, i, word, line) {
		n = split(text, word, " ")
		for (i = 1; i <= n; i++) {
			if (line != "" && length(line " " word[i]) > 72) {
				print line
				line = ""
			}
			line = line == "" ? word[i] : line " " word[i]
		}
		print line
	}
	function list(names, count,    i, text) {
		for (i = 1; i <= count; i++)
			text = text (i == 1 ? "" : i == count ? " and " : ", ") names[i]
		return text
	}
	/^Caught-by: / { caught[++n] = $2; next }
	/^Param: / { param = $2; next }
	/^KUnit: / { sub(/^KUnit: */, ""); kunit = $0; next }
	/^Untested: / { sub(/^Untested: */, ""); untested = $0; next }
	/^(Missed-by|Only|Culprit): / { next }
	{ rest = rest $0 "\n" }
	END {
		if (n)
			fill("Tested by the IGT subtest" (n > 1 ? "s " : " ") list(caught, n) ", which fail" \
				(n > 1 ? "" : "s") " without this patch" \
				(param ? " (" param ")" : "") ", on a virtual board.")
		if (kunit)
			fill("Tested by KUnit: " kunit ".")
		if (untested)
			fill("Not tested: " untested ".")
		printf "%s", rest
	}'

# mail_sign PATCH: prints the patch as one from the person MAIL_IDENTITY, NAME <ADDRESS>.
mail_sign() {
	mail_escaped=$(printf '%s' "$MAIL_IDENTITY" | sed 's/[/&\]/\\&/g')
	sed "1,/^\$/s/^From: $MAIL_NAME <$MAIL_EMAIL>\$/From: $mail_escaped/" "$1"
}

# mail_export DIR FOLDER SERIES…: writes mails of those series to DIR/SERIES, signed off by MAIL_IDENTITY.
mail_export() {
	export_dir=$1 export_folder=$2
	shift 2
	cp -r "$export_folder" "$MAIL_SCRATCH/signed"
	for export_file in "$export_folder"/*/[0-9]*.patch; do
		mail_sign "$export_file" >"$MAIL_SCRATCH/signed${export_file#"$export_folder"}"
	done
	mail_committer
	MAIL_AM=--signoff
	mail_unpack "$MAIL_SCRATCH/tree" "$MAIL_SCRATCH/signed" 0 || return
	mail_branches "$MAIL_SCRATCH/tree" "$export_folder" >"$MAIL_SCRATCH/branches"
	while read -r export_old export_new; do
		case " $* " in
		*" $export_new "*) ;;
		*) continue ;;
		esac
		export_out=$export_dir/$export_new
		mkdir "$export_out"
		mail_format "$MAIL_SCRATCH/tree" "$export_old" "$export_new" \
			"$export_folder/$export_new/cover.txt" "$export_out" &&
			mail_add_notes "$MAIL_SCRATCH/tree" "$export_old" "$export_new" \
				"$export_out" "$MAIL_NOTE" && mail_short_names "$export_out" || return
		echo "$export_out: $(mail_count "$export_old" "$export_new") patches and a cover letter"
	done <"$MAIL_SCRATCH/branches"
	mail_unchecked "$export_folder" "$@"
}

mail_count() {
	git -C "$MAIL_SCRATCH/tree" rev-list --count "$1..$2"
}

# mail_unchecked FOLDER SERIES…: says which lines Fixes: nobody has checked against a history.
mail_unchecked() {
	mail_folder=$1
	shift
	for mail_series; do
		grep -l '^Culprit: the id is' "$mail_folder/$mail_series"/[0-9]*.patch || :
	done >"$MAIL_SCRATCH/unchecked"
	[ ! -s "$MAIL_SCRATCH/unchecked" ] || {
		echo 'Check the line Fixes: against a git history before you send:'
		sed 's,.*/\([^/]*/[^/]*\)$,  \1,' "$MAIL_SCRATCH/unchecked"
	}
}

# mail_check FOLDER: whether all series of FOLDER apply.
mail_check() {
	mail_unpack "$MAIL_SCRATCH/tree" "$1" 0 || return
	mail_branches "$MAIL_SCRATCH/tree" "$1" >"$MAIL_SCRATCH/branches"
	while read -r export_old export_new; do
		echo "$export_new: $(mail_count "$export_old" "$export_new") patches apply to $KERNEL_VERSION"
	done <"$MAIL_SCRATCH/branches"
}

# ---------------------------------------------------------------------------------------------

# mail_identity: prints NAME <EMAIL> of the caller, by the settings of their git.
mail_identity() {
	mail_line=$(git -c user.useConfigOnly=true var GIT_AUTHOR_IDENT 2>/dev/null) ||
		mail_die 'git knows no name and address of yours: git config --global user.name' \
			'NAME, and user.email ADDRESS'
	printf '%s\n' "${mail_line%> *}>"
}

# Has git commit as the person MAIL_IDENTITY, NAME <ADDRESS>.
mail_committer() {
	GIT_COMMITTER_NAME=${MAIL_IDENTITY% <*} GIT_COMMITTER_EMAIL=${MAIL_IDENTITY##*<}
	GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL%>}
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
}

# mail_target DIR: refuses a folder that has something in it.
mail_target() {
	[ ! -e "$1" ] || [ -z "$(ls -A "$1" 2>/dev/null || echo file)" ] ||
		mail_die "$1: there is something already"
}

# mail_die TEXT…: one line, and the end.
mail_die() {
	printf '%s: %s\n' "$MAIL_PROGRAM" "$*" >&2
	exit 1
}

# Finds the source, makes a scratch folder that goes with this shell, and shuts out git's settings.
mail_begin() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 TZ=UTC
	# shellcheck disable=SC2034 # lab/kernel.sh reads them
	KERNEL_ARG='' STOCK=1 WITHOUT='' PATCHES='' QUIET=${QUIET:-0} VERBOSE=0
	kernel_source_ensure
	MAIL_SCRATCH=$(mktemp -d)
	trap 'rm -rf "$MAIL_SCRATCH"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}
