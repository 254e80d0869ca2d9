# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""pipeline.py SCHEMA COMMAND: a pipeline in JSON on standard input, for lab/tests/test-ci.sh.

  check     says what is wrong with it, and exits with 1
  commands  JOB, VARIABLES and a command of its script, a line each, separated by tabs
  paths     JOB and a path that its artifacts name
  steps     of a LAVA job, the commands of its tests

The schema is a JSON schema of the keywords that Checker knows.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KNOWN = {"description", "type", "required", "properties", "additionalProperties", "definitions",
         "items", "minItems", "enum", "pattern", "anyOf", "$ref"}
TYPES = {"object": dict, "array": list, "string": str}
# Keys of GitLab at the top level that are no jobs.
GLOBAL = {"stages", "variables", "workflow", "default"}


class Checker:
    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def errors(self, value: Any, schema: Any, where: str) -> Iterator[str]:
        if schema is True:
            return
        if schema is False:
            yield f"{where}: not known"
            return
        unknown = schema.keys() - KNOWN
        if unknown:
            raise ValueError(f"the schema has {unknown}")
        if "$ref" in schema:
            schema = self.schema["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
            yield f"{where}: not of type {schema['type']}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
        if "anyOf" in schema:
            tried = [list(self.errors(value, one, where)) for one in schema["anyOf"]]
            if all(tried):
                yield tried[0][0]
        if isinstance(value, dict):
            yield from self._object(value, schema, where)
        if isinstance(value, list):
            if len(value) < schema.get("minItems", 0):
                yield f"{where}: too short"
            for n, item in enumerate(value):
                yield from self.errors(item, schema.get("items", True), f"{where}[{n}]")

    def _object(self, value: dict[str, Any], schema: Any, where: str) -> Iterator[str]:
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: lacks {name}"
        for name, part in value.items():
            one = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
            yield from self.errors(part, one, f"{where}.{name}")


def extended(jobs: dict[str, Any], name: str) -> dict[str, Any]:
    """A job with what it extends: objects are merged, the rest is replaced."""
    def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
        both = dict(below)
        for key, value in above.items():
            old = both.get(key)
            both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) \
                else value
        return both

    job = dict(jobs[name])
    parents = job.pop("extends", [])
    result: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        result = merged(result, extended(jobs, parent))
    return merged(result, job)


def gitlab_jobs(pipeline: dict[str, Any]) -> dict[str, Any]:
    return {name: extended(pipeline, name) for name in pipeline
            if name not in GLOBAL and not name.startswith(".")}


def gitlab_errors(pipeline: dict[str, Any]) -> Iterator[str]:
    for name, job in pipeline.items():
        parents = job.get("extends", []) if isinstance(job, dict) and name not in GLOBAL else []
        for parent in [parents] if isinstance(parents, str) else parents:
            if parent not in pipeline or parent == name:
                yield f"{name}: extends {parent}, which is no other job"
                return
    for name, job in gitlab_jobs(pipeline).items():
        if "script" not in job:
            yield f"{name}: has no script"
        if job.get("stage") not in pipeline["stages"]:
            yield f"{name}: stage {job.get('stage')} is none of the stages"
        # GitLab multiplies the values of a row.
        rows = job.get("parallel", {}).get("matrix", [])
        used = set(re.findall(r"\$([A-Z][A-Z_]*)", " ".join(job.get("script", []))))
        for variable in {key for row in rows for key in row} ^ used:
            yield f"{name}: ${variable} is in the matrix or in the script alone"


def commands(pipeline: dict[str, Any]) -> Iterator[str]:
    for name, job in gitlab_jobs(pipeline).items():
        rows = job.get("parallel", {}).get("matrix", [{}])
        for row in rows:
            for values in itertools.product(*row.values()):
                variables = " ".join(f"{key}={value}" for key, value in zip(row, values))
                for line in job["script"]:
                    yield f"{name}\t{variables}\t{line}"


def paths(pipeline: dict[str, Any]) -> Iterator[str]:
    for name, job in gitlab_jobs(pipeline).items():
        artifacts = job.get("artifacts", {})
        reports = artifacts.get("reports", {}).values()
        for path in [*artifacts.get("paths", []), *reports]:
            yield f"{name}\t{path}"


def main() -> int:
    schema, command = Path(sys.argv[1]), sys.argv[2]
    pipeline = json.load(sys.stdin)
    if command == "commands":
        print("\n".join(commands(pipeline)))
    elif command == "paths":
        print("\n".join(paths(pipeline)))
    elif command == "steps":
        for action in pipeline["actions"]:
            for definition in action.get("test", {}).get("definitions", []):
                print("\n".join(definition["repository"]["run"]["steps"]))
    else:
        checker = Checker(json.loads(schema.read_text(encoding="utf-8")))
        errors = list(checker.errors(pipeline, checker.schema, schema.name.split(".")[0]))
        if not errors and schema.name == "gitlab.schema.json":
            errors = list(gitlab_errors(pipeline))
        print("\n".join(errors))
        return 1 if errors else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
