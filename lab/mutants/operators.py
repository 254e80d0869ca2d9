# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""The mutations: each changes one operator, constant, condition or statement of a function."""

import re
from dataclasses import dataclass
from typing import Iterator

from .csource import KEYWORDS, NAME, NUMBER, OPERATOR, STRING, Function, Source, Statement

RELATIONAL = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
              "==": ["!="], "!=": ["=="]}
ARITHMETIC = {"+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "<<": [">>"],
              ">>": ["<<"], "+=": ["-="], "-=": ["+="], "++": ["--"], "--": ["++"],
              "&": ["|"], "|": ["&"], "^": ["|"], "&=": ["|="], "|=": ["&="],
              "<<=": [">>="], ">>=": ["<<="]}
LOGICAL = {"&&": ["||"], "||": ["&&"]}
BINARY = {**RELATIONAL, **ARITHMETIC, **LOGICAL}

CONSTANTS = {"true": ["false"], "false": ["true"], "SZ_4K": ["SZ_2M"], "SZ_64K": ["SZ_4K"],
             "SZ_2M": ["SZ_4K", "SZ_1G"], "SZ_1G": ["SZ_2M"], "PAGE_SIZE": ["SZ_2M"],
             "SZ_512G": ["SZ_1G"]}

# Calls that only check, log or trace. The test of a condition by one of them is such a check, too.
DEBUG_ONLY = re.compile(
    r"^(drm_|dev_|pr_|netdev_)?(WARN\w*|warn\w*|dbg\w*|debug\w*|err\w*|info\w*|notice\w*)$"
    r"|^_*(BUG_ON|BUILD_BUG\w*|static_assert|WARN_ON\w*)$"
    r"|^lockdep_\w+$|_assert_held\w*$|assert_locked|^might_\w+$|^trace_\w+$|^seq_\w+$|^drm_printf?\w*$"
    r"|^kasan_\w+$|^kmemleak_\w+$")


@dataclass(frozen=True)
class Change:
    """Replaces the text from start to end in a function. `operator` is the kind of mutation."""
    function: str
    operator: str
    start: int
    end: int
    new: str


def debug_ranges(source: Source, function: Function) -> list[tuple[int, int]]:
    """The places of debug-only calls: name and closing parenthesis."""
    found = []
    for place in range(function.first, function.last):
        token = source.tokens[place]
        if token.kind == NAME and DEBUG_ONLY.search(token.text) and source.is_op(place + 1, "("):
            found.append((place, source.closing(place + 1)))
    return found


def kind_of(operator: str) -> str:
    return "relational" if operator in RELATIONAL else \
        "logical" if operator in LOGICAL else "arithmetic"


class Mutator:
    """All changes of one function."""

    def __init__(self, source: Source, function: Function) -> None:
        self.source = source
        self.function = function
        self.debug = debug_ranges(source, function)

    def changes(self) -> Iterator[Change]:
        for place in range(self.function.first + 1, self.function.last):
            if not self._in_debug(place):
                yield from self._token(place)
        for statement in self.function.statements:
            yield from self._statement(statement)

    def _in_debug(self, place: int) -> bool:
        return any(first <= place <= last for first, last in self.debug)

    def _change(self, operator: str, first: int, last: int, new: str) -> Change:
        tokens = self.source.tokens
        return Change(self.function.name, operator, tokens[first].start, tokens[last].end, new)

    def _spaced(self, place: int) -> bool:
        token, text = self.source.tokens[place], self.source.text
        return text[token.start - 1].isspace() and text[token.end:token.end + 1].isspace()

    def _is_binary(self, place: int) -> bool:
        before = self.source.tokens[place - 1]
        operand = before.kind in (NUMBER, STRING) or before.text in (")", "]") or \
            (before.kind == NAME and before.text not in KEYWORDS)
        return operand and self._spaced(place)

    def _token(self, place: int) -> Iterator[Change]:
        token = self.source.tokens[place]
        if token.kind == OPERATOR:
            yield from self._operator(place)
        elif token.kind == NUMBER:
            for new in self._numbers(token.text):
                yield self._change("constant", place, place, new)
        elif token.kind == NAME and token.text in CONSTANTS:
            for new in CONSTANTS[token.text]:
                yield self._change("constant", place, place, new)

    def _operator(self, place: int) -> Iterator[Change]:
        token = self.source.tokens[place]
        behind = self.source.tokens[place + 1]
        if token.text in ("++", "--"):
            for new in BINARY[token.text]:
                yield self._change("arithmetic", place, place, new)
        elif token.text in BINARY and self._is_binary(place):
            for new in BINARY[token.text]:
                yield self._change(kind_of(token.text), place, place, new)
        elif token.text == "!" and behind.text != "!":
            yield self._change("logical", place, place, "")
        elif token.text == "~":
            yield self._change("arithmetic", place, place, "")
        elif token.text == "-" and re.fullmatch(r"E[A-Z0-9]+", behind.text):
            yield self._change("constant", place, place + 1, "0")

    @staticmethod
    def _numbers(text: str) -> list[str]:
        match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", text)
        if not match:
            return []
        value = int(match.group(1), 0) if match.group(1) == "0" or \
            not match.group(1).startswith("0") or match.group(1)[1:2] in "xX" else None
        if value is None:
            return []
        return [f"{value + 1}{match.group(2)}"] + \
            ([f"{value - 1}{match.group(2)}"] if value else [])

    def _statement(self, statement: Statement) -> Iterator[Change]:
        tokens = self.source.tokens
        first, last = statement.first, statement.last
        if statement.kind in ("if", "while"):
            if first + 1 < last and not self._is_check(first + 1, last - 1) and \
                    not self._is_negated_elsewhere(first, last):
                inner = self.source.text[tokens[first].end:tokens[last].start]
                yield self._change("negated condition", first, last, f"(!({inner}))")
        elif statement.kind in ("break", "continue", "goto", "expression") or \
                (statement.kind == "return" and (statement.depth or first + 1 == last)):
            if not self._is_check(first, last - 1):
                # Line numbers stay as they are: the kernel's reports have them.
                old = self.source.text[tokens[first].start:tokens[last].end]
                yield self._change("statement left out", first, last, ";" + "\n" * old.count("\n"))

    def _is_negated_elsewhere(self, first: int, last: int) -> bool:
        """Whether another mutation negates the condition: that of its only operator, a comparison or
        an exclamation mark."""
        operators, place = [], first + 1
        while place < last:
            text = self.source.tokens[place].text
            if text in ("?", *LOGICAL, *RELATIONAL) or text in BINARY and self._is_binary(place):
                operators.append(text)
            if self.source.tokens[place].kind == OPERATOR and text in "([{":
                place = self.source.closing(place)
            place += 1
        if not operators:
            return self.source.is_op(first + 1, "!")
        return len(operators) == 1 and operators[0] in RELATIONAL

    def _is_check(self, first: int, last: int) -> bool:
        """Whether the tokens are nothing but a debug-only call, negated or not."""
        while self.source.is_op(first, "!"):
            first += 1
        return (first, last) in self.debug


def changes_of(source: Source, function: Function) -> list[Change]:
    return sorted(Mutator(source, function).changes(),
                  key=lambda change: (change.start, change.end, change.new))
