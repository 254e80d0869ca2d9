# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Mutants of the driver: draws them from its sources, orders the subtests, and judges the runs that
lab/mutants.sh starts."""
