# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# For lab/tests/test-standalone.sh: what a test prints, with libigt or with lib/igt/standalone, without
# times, process numbers and stack traces, and with the words of messages that no tool reads replaced
# by names of those messages.

# Times, process and thread numbers
s/^\[[0-9.]*\] (\([^:]*\):[0-9]*) /[T] (\1) /
s/\[thread:[0-9]*\]/[thread]/
s/(-*[0-9.]*s)$/(T)/
s/IGT-Version: .*/IGT-Version/
s/IGT_SRANDOM=[0-9]*/IGT_SRANDOM=N/

# Stack traces, of libigt alone
/Stack trace: *$/d
/^\( *\|\[thread\] *\)#[0-9]* /d
/igt_core-INFO:  *#[0-9]* /d

# libigt's words
s/^child \([0-9]*\) failed with exit status \([0-9]*\)$/CHILD \1 STATUS \2/
s/^child \([0-9]*\) died with signal \([0-9]*\), .*/CHILD \1 SIGNAL \2/
s/^No dynamic tests executed\.$/NO ROWS/
s/ igt_core-CRITICAL: Unknown subtest: / NO SUBTEST /
s/ igt_core-CRITICAL: Invalid subtest name "\(.*\)"\.$/ BAD NAME \1/
s/ igt_thread-CRITICAL: Failure in a thread!/ THREAD/
s/ igt_core-DEBUG: Exiting with status code / EXIT /
s/^demo: .*: Assertion `.*' failed\.$/MISUSE/
/^please refer to lib.igt_core documentation$/d
/^\(skips are not allowed in forks\|nesting igt_fixture\|igt_subtest can be nested\)/d
s/^Test (null) failed\.$/Test plain failed./
/^\(FAIL\|SKIP\) ([-T]*)$/d
/^\(igt_dynamic is allowed only\|failing test is only\|skipping is allowed\|forking is only\)/d

# Those of lib/igt/standalone
s/^child \([0-9]*\): exit status \([0-9]*\)$/CHILD \1 STATUS \2/
s/^child \([0-9]*\): ended by signal \([0-9]*\) .*/CHILD \1 SIGNAL \2/
s/^no row of this subtest passed or failed$/NO ROWS/
s/ igt_core-CRITICAL: no such subtest: / NO SUBTEST /
s/ igt_core-CRITICAL: not a name of a subtest: "\(.*\)"$/ BAD NAME \1/
s/ igt_thread-CRITICAL: an assertion failed in a thread$/ THREAD/
s/ igt_core-DEBUG: exit status / EXIT /
s/^demo: the test is wrong: .*/MISUSE/

# The options that each has
/^  --extra/b
/^   *[a-z-]/{
	/^  *-/d
	/^   *one that begins with !/d
}
