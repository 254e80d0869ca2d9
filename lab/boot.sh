# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034
#
# Starts the model and QEMU, inside the session, and watches them to the end. Each stage has a
# named deadline, in seconds; VMALI_DEADLINES="suite=60 subtest=5" changes them:
#
#   model     vmali accepts its connection
#   kernel    the guest's kernel is up and has mounted the results share
#   board     panthor has bound and the toolbox is mounted
#   suite     igt_runner has ended
#   poweroff  the guest has looked for leaks and is off
#   subtest   one subtest has ended (igt_runner's to keep; see lab/fail-fast.sh)
#
# VMALI_APPEND holds more words for the guest kernel's command line.

deadline_model=5 deadline_kernel=30 deadline_board=30 deadline_suite=600 deadline_poweroff=40
deadline_subtest=90

# The guest's memory. A sanitized kernel needs more for itself, and is slower.
GUEST_MEMORY=1G
SANITIZED_MEMORY=1536M
SANITIZED_DEADLINES=4

# Bound of each log, in bytes: QEMU writes without end once its model is dead.
LOG_BYTES=16777216

# Deadlines and memory for a sanitized kernel. The model is no slower.
deadlines_sanitized() {
	GUEST_MEMORY=$SANITIZED_MEMORY
	for name in kernel board suite poweroff subtest; do
		eval "deadline_$name=\$((deadline_$name * SANITIZED_DEADLINES))"
	done
}

# Operations of a random-* subtest that take a second, at least: a tenth of what a machine with
# nothing else to do does. A failing subtest replays them, in the time of MINIMISE_SECONDS.
OPERATIONS_SECOND=100
MINIMISE_SECONDS=300

deadlines_operations() {
	deadline_subtest=$((deadline_subtest + OPERATIONS / OPERATIONS_SECOND + MINIMISE_SECONDS))
	deadline_suite=$((deadline_suite + 4 * deadline_subtest))
}

# A client starts anew for each scene, in a few seconds, and a second is enough for any of its
# operations. It replays those of a walk that fails.
deadlines_client() {
	deadline_subtest=$((deadline_subtest + MINIMISE_SECONDS + ${OPERATIONS:-250}))
	deadline_suite=$((deadline_suite + 4 * deadline_subtest))
}

deadlines_set() {
	if [ -n "$CLIENT" ]; then
		deadlines_client
	elif [ -n "$OPERATIONS" ]; then
		deadlines_operations
	fi
	[ "$SANITIZE" = 0 ] || deadlines_sanitized
	arch_deadlines
	for pair in ${VMALI_DEADLINES:-}; do
		case ${pair#*=} in
		'' | *[!0-9]*) die 2 "VMALI_DEADLINES: $pair: not of the form NAME=SECONDS" ;;
		esac
		case ${pair%%=*} in
		model | kernel | board | suite | poweroff | subtest)
			eval "deadline_${pair%%=*}=\${pair#*=}"
			;;
		*) die 2 "VMALI_DEADLINES: $pair: no such deadline" ;;
		esac
	done
}

# Writes at most LOG_BYTES of stdin to the file $1, and reads on.
bounded() {
	{
		head -c "$LOG_BYTES"
		cat >/dev/null
	} >"$1"
}

# Starts a command ($2...) in the background: output in $1.log of the results, process number in
# $WORK/$1.pid, and once it has ended its exit status in $WORK/$1.status.
start() {
	name=$1
	shift
	verbose "$*"
	(
		{
			status=0
			# shellcheck disable=SC2016 # for the inner shell
			sh -c 'echo $$ >"$0" && exec "$@"' "$WORK/$name.pid" "$@" || status=$?
			echo "$status" >"$WORK/$name.status.new"
			mv "$WORK/$name.status.new" "$WORK/$name.status"
		} </dev/null 2>&1 | bounded "$RESULTS_DIR/$name.log"
	) &
}

# Waits at most $2 seconds for the file $1.
wait_for() {
	clock_now
	wait_end=$((NOW + $2 * 100))
	while [ ! -e "$1" ]; do
		[ "$NOW" -lt "$wait_end" ] || return 1
		sleep 0.05
		clock_now
	done
}

# Signals a started command by its name, if it still runs.
signal() {
	[ -e "$WORK/$2.status" ] || kill -s "$1" "$(cat "$WORK/$2.pid")" 2>/dev/null || :
}

# priority NICENESS: prints the command that gives a higher priority, nothing where that is not
# permitted: nice complains there, and succeeds. The driver gives the GPU 100 ms for a request, and
# its own threads must handle an interrupt or unlock a region in that time. A busy machine may keep a
# thread of the model or of QEMU from its processors for longer.
priority() {
	[ -n "$(nice -n "$1" true 2>&1)" ] || echo nice -n "$1"
}

model_start() {
	set -- --socket "$WORK/vmali.socket" --tlb "$TLB"
	# Findings are judged here (report/rules.py): for the model they are warnings.
	case $RULES in
	off) set -- "$@" --rules off ;;
	*) set -- "$@" --rules warn --findings "$RESULTS_DIR/rules.jsonl" ;;
	esac
	[ -z "$TRACE_FILE" ] || set -- "$@" --trace "$TRACE_FILE"
	# shellcheck disable=SC2046 # words
	start vmali $(priority -10) "$BUILD_DIR/vmali/vmali" "$@"
	clock_now
	wait_end=$((NOW + deadline_model * 100))
	while [ ! -S "$WORK/vmali.socket" ]; do
		[ ! -e "$WORK/vmali.status" ] || return 0
		[ "$NOW" -lt "$wait_end" ] || return 0
		sleep 0.02
		clock_now
	done
}

# True if the guest's own kernel reaches its first process under KVM within 4 s. A smaller test is not
# enough: where /dev/kvm is emulated, real-mode code may run although a kernel hangs.
kvm_works() {
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
	timeout -s KILL 4 "$ARCH_QEMU" -nodefaults -no-user-config -display none -no-reboot \
		-accel kvm -cpu host -smp 2 -m 256M -machine "$ARCH_MACHINE" -serial "file:$WORK/probe.log" \
		-kernel "$KERNEL_DIR/$ARCH_IMAGE" -initrd "$INITRAMFS" \
		-append "console=$ARCH_CONSOLE loglevel=1 panic=-1 vmali.probe" \
		</dev/null >/dev/null 2>&1 || return 1
	grep -q 'vmali guest: probe passed' "$WORK/probe.log"
}

# Sets ACCEL to kvm or tcg. The answer holds until the machine boots anew.
accel_probe() {
	accel_file=$(cache_entry probe "$({
		cat /proc/sys/kernel/random/boot_id
		ls -lL "$(command -v "$ARCH_QEMU")"
	} | key_of)")
	if [ ! -s "$accel_file" ]; then
		ACCEL=tcg
		! kvm_works || ACCEL=kvm
		accel_remember
	fi
	read -r ACCEL <"$accel_file"
}

accel_remember() {
	mkdir -p "${accel_file%/*}" 2>/dev/null || cache_refused "${accel_file%/*}"
	echo "$ACCEL" >"$accel_file.$$"
	mv "$accel_file.$$" "$accel_file"
}

# Stops using KVM after a missed deadline, since KVM may be the reason.
accel_distrust() {
	[ "$ACCEL" = kvm ] || return 0
	ACCEL=tcg
	accel_remember
	say 'KVM will not be used again until this machine boots anew'
}

# In QEMU's option lists a comma in a value is doubled.
qemu_value() {
	printf '%s\n' "$1" | sed 's/,/,,/g'
}

# Runs $@ with the share of the toolbox appended, if that is the guest's root.
with_root() {
	[ "$ARCH_ROOT" = initramfs ] || set -- "$@" \
		-fsdev local,id=toolbox,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=toolbox,mount_tag=toolbox
	"$@"
}

# Size of the kernel's log buffer. Without huge pages flags-* writes a message for each page, which
# overwrites a smaller one before igt_runner has read which faults the subtest expects.
LOG_BYTES=1M

# Runs $@ with QEMU's command line appended. $CONSOLE is the serial console's chardev.
with_qemu() {
	accel='tcg,thread=multi' cpu=$ARCH_CPU
	[ "$ACCEL" = tcg ] || accel=kvm cpu=host
	with_root "$@" "$ARCH_QEMU" -nodefaults -no-user-config -display none -no-reboot \
		-accel "$accel" -cpu "$cpu" -smp 2 -m "$GUEST_MEMORY" \
		-object "memory-backend-memfd,id=ram,size=$GUEST_MEMORY,share=on" \
		-machine "$ARCH_MACHINE,memory-backend=ram" \
		-device "{\"driver\":\"vfio-user-pci\",\"rombar\":0,\"socket\":{\"type\":\"unix\",\
\"path\":\"$WORK/vmali.socket\"}}" \
		-fsdev "local,id=results,path=$(qemu_value "$RESULTS_DIR"),security_model=none" \
		-device virtio-9p-pci,fsdev=results,mount_tag=results \
		-chardev "$CONSOLE" -serial chardev:console \
		-kernel "$KERNEL_DIR/$ARCH_IMAGE" -initrd "$INITRAMFS" \
		-append "console=$ARCH_CONSOLE loglevel=5 panic=-1 slab_nomerge kasan_multi_shot \
log_buf_len=$LOG_BYTES ${VMALI_APPEND:-}"
}

qemu_start() {
	CONSOLE="file,id=console,path=$(qemu_value "$RESULTS_DIR/console.log")"
	# shellcheck disable=SC2046 # words
	with_qemu start qemu $(priority -5)
}

# Sets STAGE to the guest's stage, empty before the first.
read_stage() {
	read -r STAGE <"$RESULTS_DIR/guest/stage" || :
} 2>/dev/null

# Sets WAITING to the name of the deadline that runs in $STAGE.
stage_deadline() {
	case $STAGE in
	'') WAITING=kernel ;;
	kernel) WAITING=board ;;
	board) WAITING=suite ;;
	*) WAITING=poweroff ;;
	esac
	eval "LIMIT=\$deadline_$WAITING"
}

# Notes the time of the stages that matter; a short one may pass unseen.
stage_reached() {
	case $STAGE in
	board) BOARD_AT=$NOW ;;
	ended | off) SUITE_AT=${SUITE_AT:-$NOW} ;;
	esac
	stage_deadline
}

# Watches the board until QEMU has ended, the model has died or a deadline has passed; sets
# OUTCOME to ended, model, deadline, or failed with --fail-fast, and the times BOARD_AT and SUITE_AT.
board_watch() {
	STAGE='' seen=none OUTCOME=ended
	fail_fast_begin
	while [ ! -e "$WORK/qemu.status" ]; do
		clock_now
		read_stage
		if [ "$STAGE" != "$seen" ]; then
			seen=$STAGE since=$NOW
			stage_reached
		fi
		if model_died; then
			OUTCOME=model
			return
		elif [ "$((NOW - since))" -ge "$((LIMIT * 100))" ]; then
			OUTCOME=deadline
			return
		elif fail_fast_ends; then
			SUITE_AT=${SUITE_AT:-$NOW}
			return
		fi
		sleep 0.05
	done
	read_stage
}

# The model ends with status 0 when QEMU closes its connection. Any other end is a crash.
model_died() {
	[ -e "$WORK/vmali.status" ] && [ "$(cat "$WORK/vmali.status")" != 0 ]
}

# Ends QEMU and the model, by force if need be.
board_stop() {
	signal KILL qemu
	wait_for "$WORK/qemu.status" 5 || :
	wait_for "$WORK/vmali.status" 2 || signal KILL vmali
	wait_for "$WORK/vmali.status" 2 || :
}

# Prints how the started command $1 ended, in words.
how_ended() {
	status=$(cat "$WORK/$1.status" 2>/dev/null) || status=unknown
	case $status in
	12[89] | 1[3-9][0-9]) echo "killed by signal $((status - 128))" ;;
	*) echo "exit status $status" ;;
	esac
}

# Quotes the guest's panic, if the console has it.
last_words() {
	sed -n 's/.*Kernel panic - not syncing/: &/; s/: .*\(Kernel panic\)/: \1/p' \
		"$RESULTS_DIR/console.log" | head -n 1 | tr -d '\r'
}

last_lines() {
	for log; do
		[ -s "$RESULTS_DIR/$log" ] || continue
		echo "    --- last lines of $log:"
		tail -n "${LAST_LINES:-12}" "$RESULTS_DIR/$log" | tr -d '\r' | sed 's/^/    /'
	done >&2
}

# Prints in one line what went wrong, if anything did, and shows the last lines of the logs.
board_explain() {
	if [ "$OUTCOME" = model ]; then
		run_failed 5 "the model died: $(how_ended vmali)"
		last_lines vmali.log console.log
	elif [ "$OUTCOME" = deadline ]; then
		run_failed 6 "the deadline '$WAITING' ($LIMIT s) passed"
		[ "$ACTION" = mutants ] || accel_distrust
		last_lines kernel.log console.log
	elif [ "$OUTCOME" = failed ]; then
		return
	elif [ -s "$RESULTS_DIR/guest/error" ]; then
		run_failed 5 "the board did not come up: $(cat "$RESULTS_DIR/guest/error")"
		last_lines kernel.log vmali.log
	elif [ "$(cat "$WORK/qemu.status")" != 0 ]; then
		run_failed 5 "QEMU died: $(how_ended qemu)"
		last_lines qemu.log console.log
	elif [ "$STAGE" != off ]; then
		run_failed 5 "the guest died in stage '${STAGE:-boot}'$(last_words)"
		last_lines console.log
	elif model_died; then
		run_failed 5 "the model ended wrongly: $(how_ended vmali)"
		last_lines vmali.log
	fi
}

# Starts the model; false, with the reason said, if it does not accept its connection.
model_ready() {
	model_start
	if [ -e "$WORK/vmali.status" ]; then
		run_failed 5 "the model did not start: $(how_ended vmali)"
	elif [ ! -S "$WORK/vmali.socket" ]; then
		run_failed 6 "the deadline 'model' ($deadline_model s) passed"
	else
		return 0
	fi
	board_stop
	last_lines vmali.log
	return 1
}

# Boots the board and runs its suite. What happened is in $RESULTS_DIR and in STATUSES; BOOT_AT,
# BOARD_AT and SUITE_AT are the times of QEMU's start, of the board's readiness and of the
# suite's end, empty if that was not reached.
board_boot() {
	BOARD_AT='' SUITE_AT=''
	clock_now
	BOOT_AT=$NOW
	model_ready || return 0
	qemu_start
	board_watch
	board_stop
	results_live_end
	results_kernel_log
	board_explain
	results_kernel_reports
}

# The interactive board: the serial console is this terminal; a death of the model ends it. QEMU
# runs in the background, since a signal interrupts `wait` but no command in the foreground.
board_shell() {
	model_ready || return 0
	CONSOLE="stdio,id=console,signal=off,logfile=$(qemu_value "$RESULTS_DIR/console.log")"
	shell_watch &
	mkfifo "$WORK/qemu.messages"
	bounded "$RESULTS_DIR/qemu.log" <"$WORK/qemu.messages" &
	exec 3<&0
	# shellcheck disable=SC2046 # words
	with_qemu shell_qemu $(priority -5) <&3 2>"$WORK/qemu.messages" &
	status=0
	wait $! || status=$?
	echo "$status" >"$WORK/qemu.status"
	OUTCOME=ended
	read_stage
	! model_died || OUTCOME=model
	board_stop
	results_kernel_log
	board_explain
	results_kernel_reports
}

shell_qemu() {
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'echo $$ >"$0" && exec "$@"' "$WORK/qemu.pid" "$@"
}

shell_watch() {
	while [ ! -e "$WORK/qemu.status" ]; do
		! model_died || signal KILL qemu
		sleep 0.2
	done
}
