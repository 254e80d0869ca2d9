/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef GOLDEN_WORDS_H
#define GOLDEN_WORDS_H

/*
 * Instructions and their words: GOLDEN_WORD(text, word).
 *
 * The words were put together by hand from the layout of architecture 10's
 * command streams, not by any program, so that encoders and decoders can both be
 * held against them. The text is the instruction's name and NAME=VALUE for each
 * field, in the order of the bits from the top; numbers are as C has them, and
 * negative ones are signed fields. Fields that are not named are zero.
 *
 * Four words are in the driver itself, with registers of a GPU that has 96
 * (prepare_job_instrs() in panthor_sched.c): they are marked so.
 */
#define GOLDEN_WORDS(GOLDEN_WORD) \
	GOLDEN_WORD("NOP", 0x0000000000000000) \
	\
	GOLDEN_WORD("MOVE48 dst=0 imm=0", 0x0100000000000000) \
	GOLDEN_WORD("MOVE48 dst=68 imm=0x123456789abc", 0x0144123456789abc) \
	GOLDEN_WORD("MOVE48 dst=254 imm=0xffffffffffff", 0x01feffffffffffff) \
	GOLDEN_WORD("MOVE32 dst=70 imm=0xdeadbeef", 0x02460000deadbeef) \
	GOLDEN_WORD("MOVE32 dst=255 imm=1", 0x02ff000000000001) \
	\
	/* The driver waits for its flush so. */ \
	GOLDEN_WORD("WAIT mask=0x1", 0x0300000000010000) \
	GOLDEN_WORD("WAIT mask=0xff", 0x0300000000ff0000) \
	GOLDEN_WORD("WAIT progress=1 mask=0xffff", 0x03000001ffff0000) \
	\
	GOLDEN_WORD("ADD_IMM32 dst=4 src=5 imm=1", 0x1004050000000001) \
	GOLDEN_WORD("ADD_IMM32 dst=6 src=6 imm=-1", 0x10060600ffffffff) \
	GOLDEN_WORD("ADD_IMM64 dst=2 src=4 imm=4096", 0x1102040000001000) \
	GOLDEN_WORD("ADD_IMM64 dst=254 src=252 imm=-2147483648", 0x11fefc0080000000) \
	GOLDEN_WORD("UMIN32 dst=1 src0=2 src1=3", 0x1201020300000000) \
	\
	GOLDEN_WORD("LOAD_MULTIPLE base=8 addr=2 mask=0xffff offset=0", 0x14080200ffff0000) \
	GOLDEN_WORD("LOAD_MULTIPLE base=5 addr=0 mask=0x1 offset=-4", 0x140500000001fffc) \
	GOLDEN_WORD("STORE_MULTIPLE base=70 addr=68 mask=0x1 offset=0", 0x1546440000010000) \
	GOLDEN_WORD("STORE_MULTIPLE base=4 addr=6 mask=0x3 offset=32764", 0x1504060000037ffc) \
	GOLDEN_WORD("STORE_MULTIPLE base=255 addr=254 mask=0x8000 offset=-32768", \
		    0x15fffe0080008000) \
	\
	GOLDEN_WORD("BRANCH value=6 condition=3 offset=-5", 0x160006003000fffb) \
	GOLDEN_WORD("BRANCH value=255 condition=6 offset=32767", 0x1600ff0060007fff) \
	GOLDEN_WORD("BRANCH value=1 condition=0 offset=-32768", 0x1600010000008000) \
	GOLDEN_WORD("BRANCH value=0 condition=5 offset=0", 0x1600000050000000) \
	\
	GOLDEN_WORD("SET_SB_ENTRY other=0 endpoint=1", 0x1700000000000001) \
	GOLDEN_WORD("SET_SB_ENTRY other=7 endpoint=2", 0x1700000000000072) \
	\
	/* The driver calls a stream so. */ \
	GOLDEN_WORD("CALL addr=92 length=94", 0x20005c5e00000000) \
	GOLDEN_WORD("JUMP addr=10 length=12", 0x21000a0c00000000) \
	GOLDEN_WORD("REQ_RESOURCE mask=0x5", 0x2200000000000005) \
	\
	/* The driver flushes before a stream so. */ \
	GOLDEN_WORD("FLUSH_CACHE2 flush-id=94 other=2 lsc=3 l2=3", 0x24005e0000000233) \
	GOLDEN_WORD("FLUSH_CACHE2 signal=15 flush-id=7 wait-mask=0x80ff other=0 lsc=1 l2=2", \
		    0x240f070080ff0012) \
	\
	GOLDEN_WORD("SYNC_ADD32 addr=2 data=4 scope=0 error-propagate=0", 0x2500020400000000) \
	GOLDEN_WORD("SYNC_SET32 signal=3 addr=2 data=5 wait-mask=0xff scope=2 error-propagate=1", \
		    0x2603020500ff0005) \
	GOLDEN_WORD("SYNC_WAIT32 addr=8 data=10 condition=1 error-reject=1", 0x2700080a10000001) \
	GOLDEN_WORD("STORE_STATE addr=92 state=1", 0x28005c0100000000) \
	GOLDEN_WORD("STORE_STATE signal=1 addr=94 state=3 wait-mask=0xf offset=-8", \
		    0x28015e03000ffff8) \
	GOLDEN_WORD("ERROR_BARRIER", 0x2f00000000000000) \
	\
	GOLDEN_WORD("HEAP_SET addr=16", 0x3000100000000000) \
	GOLDEN_WORD("HEAP_OPERATION signal=2 operation=1 wait-mask=0x10", 0x3102000100100000) \
	\
	/* The driver ends a job so. */ \
	GOLDEN_WORD("SYNC_ADD64 addr=92 data=94 error-propagate=1", 0x33005c5e00000001) \
	GOLDEN_WORD("SYNC_SET64 signal=1 addr=20 data=22 scope=2", 0x3401141600000004) \
	GOLDEN_WORD("SYNC_WAIT64 addr=30 data=32 condition=0", 0x35001e2000000000)

#endif /* GOLDEN_WORDS_H */
