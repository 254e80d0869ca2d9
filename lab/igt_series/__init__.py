# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""The project's tests as commits for a tree of IGT."""
