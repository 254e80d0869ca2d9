# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Writes the commits for lab/export-igt: NNNN/message and NNNN/files/, and a file `cover`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from igt_series import series
from igt_series.csource import Refused


def main() -> int:
    parser = argparse.ArgumentParser(prog="igt_series", description=__doc__)
    parser.add_argument("tree", type=Path, help="the tree of IGT")
    parser.add_argument("out", type=Path, help="folder that is made")
    parser.add_argument("--repo", type=Path, default=Path("."), help="this project")
    parser.add_argument("--uapi", type=Path, help="panthor_drm.h with sparse mappings")
    parser.add_argument("--kernel", default="", help="the version it is of")
    parser.add_argument("--base", default="IGT", help="what the tree is, for the cover letter")
    args = parser.parse_args()
    try:
        commits = series.Series(args.repo, series.Tree(args.tree), args.uapi, args.kernel).make()
    except Refused as why:
        print(why, file=sys.stderr)
        return 1
    for n, commit in enumerate(commits, 1):
        folder = args.out / f"{n:04}"
        for path, text in commit.files.items():
            target = folder / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        (folder / "message").write_text(commit.message(), encoding="utf-8")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "cover").write_text(series.cover(commits, args.base), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
