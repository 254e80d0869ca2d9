# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The guest's kernel log, from the records of /dev/kmsg: "priority,sequence,microseconds,flags;text".

igt_runner judges the records of each subtest, for it knows which lines a subtest wants ignored. Reports
in no excerpt of igt_runner are outside of any subtest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Texts of a report. Other lines of level warning are common at boot.
REPORT = re.compile(
    r"^(WARNING|BUG|Oops|UBSAN|KASAN|KCSAN|KFENCE)"
    r"|^INFO: (task|rcu|possible|suspicious)"
    r"|^(Kernel panic|general protection|kernel BUG|Unable to handle|watchdog: BUG)"
    r"|^(kmemleak: [0-9]+ new|rcu: INFO|invalid opcode|double fault|stack guard)"
    r"|\*ERROR\*"
)

# Lines that begin with a blank have properties of the record before.
RECORD = re.compile(r"^([0-9]+),([0-9]+),([0-9]+),[^;]*;(.*)")


@dataclass(frozen=True)
class Record:
    """A record, and its line for people."""

    sequence: int
    text: str
    line: str


def records(log: str) -> Iterator[Record]:
    """The records of a log. What is cut or no record is passed over."""
    for line in log.split("\n"):
        match = RECORD.match(line)
        if not match:
            continue
        priority, sequence, time = (int(number) for number in match.groups()[:3])
        text = match[4]
        stamp = f"[{time // 1000000:5}.{time % 1000000:06}] <{priority % 8}> {text}"
        yield Record(sequence, text, stamp)


def outside(log: Iterable[Record], judged: Iterable[Record]) -> list[str]:
    """The reports of a log that are in none of the excerpts."""
    sequences = {record.sequence for record in judged}
    return [
        record.line for record in log if record.sequence not in sequences and REPORT.search(record.text)
    ]
