#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# split-mailbox.sh FOLDER: splits FOLDER/mailbox into its mails, in their order. A mail with a patch becomes
# FOLDER/NNNN.patch, decoded, with its description; others, as cover letters, are left out. Writes the
# subjects to FOLDER/subjects, one a line. Runs in the toolbox, for its git.

set -eu

folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git mailsplit -o"$work" -- "$folder/mailbox" >/dev/null
: >"$folder/subjects"
count=0
for mail in "$work"/[0-9]*; do
	# A log of the commit that the mail makes, its patch, and what git says about the mail.
	git mailinfo "$work/log" "$work/patch" <"$mail" >"$work/info"
	grep -q '^+++ ' "$work/patch" || continue
	count=$((count + 1))
	subject=$(sed -n 's/^Subject: //p' "$work/info")
	printf '%s\n' "$subject" >>"$folder/subjects"
	{
		printf 'Subject: %s\n\n' "$subject"
		cat "$work/log"
		printf -- '---\n'
		cat "$work/patch"
	} >"$folder/$(printf '%04d' "$count").patch"
done
