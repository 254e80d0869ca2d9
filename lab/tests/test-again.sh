#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# ./run --each-patch and --replay, in a repository of its own: the ./run that they start is made up. Uses
# the caller's toolbox.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
export XDG_CACHE_HOME="$CACHE_OF_USER"

MADE=$SCRATCH/repo

# A repository whose ./run is the real one, or if there is a file $MADE/again one that prints its arguments
# and does what $MADE/again says: $results is its results folder, $patches how many patches it was given.
fresh() {
	rm -rf "$MADE" "$SCRATCH/results"
	mkdir -p "$MADE/lab" "$MADE/kernel"
	cp "$REPO/run" "$MADE/real"
	cp "$REPO"/lab/*.sh "$REPO/lab/toolbox.packages" "$MADE/lab/"
	cp -r "$REPO/lab/arch" "$REPO/lab/report" "$MADE/lab/"
	cp "$REPO/kernel/base" "$MADE/kernel/"
	cat >"$MADE/run" <<'RUN'
#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
[ -e "$here/again" ] || exec "$here/real" "$@"
echo "again: $*"
results='' patches=0
while [ $# -gt 0 ]; do
	case $1 in
	--patch) patches=$((patches + 1)) ;;
	--results) results=$2 ;;
	esac
	shift
done
. "$here/again"
RUN
	sed -i "s,^REPO=.*,REPO=$MADE," "$MADE/real"
	chmod 755 "$MADE/run"
	echo "$1" >"$MADE/again"
	cd "$SCRATCH"
}

# mail N SUBJECT ENCODING TEXT: a mail, as b4 prints it.
mail() {
	printf 'From git@z Thu Jan  1 00:00:00 1970\nFrom: A <a@example.org>\n'
	printf 'Date: Mon, 2 Nov 2026 10:00:00 +0000\nSubject: [PATCH %s] %s\n' "$1" "$2"
	printf 'Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: %s\n\nWhy.\n' "$3"
	printf -- '---\n x | 1 +\n\n'
	[ -z "$4" ] || {
		printf 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n%s\n-- \n2.47\n' "$4"
	}
	echo
}

mailbox() {
	mail 0/3 'the series' 8bit ''
	mail 1/3 'one' 8bit '+a = 1'
	mail 2/3 'two' quoted-printable '+b =3D 2'
	mail 3/3 'three' 8bit '+c'
}

# each STATUS ARG…: the real ./run --each-patch, whose output is kept.
each() {
	each_wanted=$1 each_got=0
	shift
	mailbox >"$SCRATCH/mailbox"
	sh "$MADE/real" "$@" --results "$SCRATCH/results" >"$SCRATCH/said" 2>&1 || each_got=$?
	cat "$SCRATCH/said"
	same "status $each_wanted" "status $each_got"
}

none_breaks() {
	fresh :
	each 0 --stock --each-patch mailbox 'a-*' --tlb off
	same "again: --results $SCRATCH/results/each/0000 --stock a-* --tlb off" \
		"$(grep again "$SCRATCH/said" | head -n 1)"
	same 4 "$(grep -c again "$SCRATCH/said")"
	grep -q '^3 of 3: three$' "$SCRATCH/said"
	grep -q '^none of 3 patches breaks anything' "$SCRATCH/said"
	grep -q '^+b = 2$' "$SCRATCH/results/given/0002.patch"
}

# The run after the second patch ends with status 4: the third one is not looked at.
second_breaks() {
	# shellcheck disable=SC2016 # for the ./run that is made up
	fresh 'exit $((patches == 2 ? 4 : 0))'
	each 4 --each-patch=mailbox
	same 3 "$(grep -c again "$SCRATCH/said")"
	same 'the first that breaks something: 2 of 3, two (exit status 4)' \
		"$(tail -n 1 "$SCRATCH/said")"
}

broken_before() {
	fresh 'exit 1'
	each 1 --each-patch mailbox
	same 'before the series: exit status 1: select what passes there' "$(tail -n 1 "$SCRATCH/said")"
}

from_input() {
	fresh :
	mailbox >"$SCRATCH/mailbox"
	sh "$MADE/real" --each-patch - --results "$SCRATCH/results" <"$SCRATCH/mailbox" >"$SCRATCH/said"
	same 4 "$(grep -c again "$SCRATCH/said")"
}

# A mailbox without a patch: one line.
no_mail() {
	fresh :
	mail 0/3 'the series' 8bit '' >"$SCRATCH/cover"
	fails_with 2 'run: --each-patch *: has no mail with a patch: *' sh "$MADE/real" --each-patch \
		"$SCRATCH/cover" --results "$SCRATCH/results"
}

emptied() {
	fresh :
	mkdir "$SCRATCH/results"
	echo '{}' >"$SCRATCH/results/metadata.json"
	mailbox >"$SCRATCH/results/mailbox"
	fails_with 2 'run: */results/mailbox: in the results folder, which is emptied: *' \
		sh "$MADE/real" --each-patch "$SCRATCH/results/mailbox" --results "$SCRATCH/results"
	test -s "$SCRATCH/results/mailbox"
}

# Interrupted, it ends the ./run that it waits for.
interrupted() {
	# shellcheck disable=SC2016 # for the ./run that is made up
	fresh 'echo $$ >"$here/pid"; exec sleep 60'
	mailbox >"$SCRATCH/mailbox"
	sh "$MADE/real" --each-patch mailbox --results "$SCRATCH/results" >"$SCRATCH/said" 2>&1 &
	interrupted_run=$! interrupted_n=0 interrupted_status=0
	until [ -s "$MADE/pid" ] || [ "$interrupted_n" = 100 ]; do
		interrupted_n=$((interrupted_n + 1))
		sleep 0.1
	done
	kill -s TERM "$interrupted_run"
	wait "$interrupted_run" || interrupted_status=$?
	same 143 "$interrupted_status"
	fails kill -0 "$(cat "$MADE/pid")"
}

# ---------------------------------------------------------------------------------------------

# The folder of a run, with two subtests.
record() {
	rm -rf "$SCRATCH/record"
	mkdir -p "$SCRATCH/record/given"
	echo 'diff' >"$SCRATCH/record/given/01-x.patch"
	echo '{"action":"run","commit":"abc","tlb":"tiny:3","seed":"7","patches_added":["x.patch"],' \
		'"globs":["a-*"]}' >"$SCRATCH/record/metadata.json"
	verdicts pass fail >"$SCRATCH/record/verdicts.json"
}

verdicts() {
	printf '[{"id":"igt@t@a","test":"t","subtest":"a","result":"%s","class":"%s"},' "$1" "$1"
	printf '{"id":"igt@t@b","test":"t","subtest":"b","result":"%s","class":"%s"}]\n' "$2" "$2"
}

# replay STATUS ARG…: the real ./run --replay of the record; the one that it starts ends with status 1, and
# its verdicts are those of $SCRATCH/now.
replay() {
	replay_wanted=$1 replay_got=0
	shift
	# shellcheck disable=SC2016 # for the ./run that is made up
	fresh 'echo "{\"commit\":\"abd\"}" >"$results/metadata.json"
		cp "$here/../now" "$results/verdicts.json"
		exit 1'
	record
	sh "$MADE/real" --replay "$SCRATCH/record" --results "$SCRATCH/results" "$@" \
		>"$SCRATCH/said" 2>&1 || replay_got=$?
	cat "$SCRATCH/said"
	same "status $replay_wanted" "status $replay_got"
}

as_recorded() {
	verdicts pass fail >"$SCRATCH/now"
	replay 1 --quiet
	same "again: --results $SCRATCH/results --tlb tiny:3 --seed 7 --patch \
$SCRATCH/record/given/01-x.patch a-* --quiet
recorded at commit abc of these tests, repeated at abd
2 subtests fare alike, 1 of them fail" "$(cat "$SCRATCH/said")"
}

otherwise() {
	verdicts pass pass >"$SCRATCH/now"
	replay 1
	grep -q '^igt@t@b: fail as recorded, pass in this run$' "$SCRATCH/said"
}

same_folder() {
	fresh :
	record
	fails_with 2 'run: --results *: the folder that is replayed: name another one' sh "$MADE/real" \
		--replay "$SCRATCH/record" --results "$SCRATCH/record"
}

lacks_patch() {
	fresh :
	record
	rm "$SCRATCH/record/given/01-x.patch"
	fails_with 2 'run: --replay *: given/ lacks patches that it ran with: *' sh "$MADE/real" \
		--replay "$SCRATCH/record" --results "$SCRATCH/results"
}

check '--each-patch: a run before the series, and one a patch' none_breaks
check '... up to the first that breaks something' second_breaks
check '... unless something is broken before' broken_before
check '... from standard input' from_input
check '... without a patch: one line' no_mail
check '... of the folder that is emptied: one line' emptied
check '... that is interrupted' interrupted
check '--replay: what was recorded, and more options' as_recorded
check '... whose verdicts differ' otherwise
check '... into the same folder: one line' same_folder
check '... without a patch of the record: one line' lacks_patch

checks_done
