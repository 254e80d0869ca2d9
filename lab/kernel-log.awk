# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# Turns the records of /dev/kmsg ("priority,sequence,microseconds,flags;text") into readable
# lines on stdout. Files after claimed=1 on the command line are igt_runner's excerpts of the same
# log, by subtest. igt_runner judges those: it knows which lines a subtest wants ignored. Reports that
# are in none of them go to the file named by -v splats=FILE.

BEGIN {
	report = "^(WARNING|BUG|Oops|UBSAN|KASAN|KCSAN|KFENCE)" \
		"|^INFO: (task|rcu|possible|suspicious)" \
		"|^(Kernel panic|general protection|kernel BUG|Unable to handle|watchdog: BUG)" \
		"|^(kmemleak: [0-9]+ new|rcu: INFO|invalid opcode|double fault|stack guard)" \
		"|\\*ERROR\\*"
}

/^[0-9]+,[0-9]+,[0-9]+,/ {
	split(substr($0, 1, index($0, ";") - 1), field, ",")
	if (claimed) {
		judged[field[2]] = 1
		next
	}
	text = substr($0, index($0, ";") + 1)
	line = sprintf("[%5d.%06d] <%d> %s", int(field[3] / 1000000), field[3] % 1000000,
		field[1] % 8, text)
	print line
	if (!(field[2] in judged) && text ~ report)
		print line > splats
}
