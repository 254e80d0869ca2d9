# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""What the test plan says of a subtest, from the fields that docs/testplan writes."""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Planned:
    """Fields of a SUBTEST block."""

    description: str
    failure_mode: str
    group: str


def read(path: pathlib.Path | None) -> dict[str, Planned]:
    """By TEST@SUBTEST, where TEST has no folder. A plan that is not there has nothing to say."""
    if path is None or not path.is_file():
        return {}
    fields: dict[str, dict[str, str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, field, text = line.split("\t", 2)
        fields.setdefault(name, {})[field] = text
    return {
        name: Planned(
            own.get("Description", ""), own.get("Failure mode", ""), own.get("Feature", "")
        )
        for name, own in fields.items()
    }
