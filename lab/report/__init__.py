# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Verdicts and reports of ./run, from what igt_runner and the board left.

expectations  the files of lab/expectations
verdicts      results.json and expectations make verdicts and exit statuses
text          the table, the summary
junit         JUnit XML
ktap          KUnit's results as results.json
compare       two results: fixed, broken, new, gone, slower
"""
