# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""Tokens, functions and statements of a C source in kernel style.

There are no types and no macro expansion, on purpose: a change has to be made to the text as the
driver has it, under any kernel configuration. Two habits of kernel style stand in for types: a
binary operator has a blank on both sides, and a declaration begins with two names or a type word."""

import re
from dataclasses import dataclass, field
from typing import Iterator

NAME, NUMBER, STRING, OPERATOR = "name", "number", "string", "operator"

TOKEN = re.compile(r"""
    (?P<skip> \s+ | /\*.*?\*/ | //[^\n]* )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<number> \d[\w.]* )
  | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
  | (?P<operator> <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|. )
""", re.X | re.S)

# A preprocessor line, with its continuations.
DIRECTIVE = re.compile(r"\#(?:[^\n\\]|\\.)*", re.S)

KEYWORDS = {"if", "else", "while", "for", "do", "switch", "case", "default", "return", "goto",
            "break", "continue", "sizeof", "typeof", "__typeof__"}

TYPE_WORDS = {"struct", "union", "enum", "const", "static", "unsigned", "signed", "volatile",
              "int", "char", "short", "long", "bool", "void", "size_t", "ssize_t", "extern",
              "register", "auto", "typeof"}

CLOSING = {"(": ")", "[": "]", "{": "}"}


class SourceError(Exception):
    """A source that is not C of this style."""


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """A statement of one of the kinds expression, declaration, return, break, continue, goto, if,
    while; of the last two, `first` and `last` are the parentheses of the condition. All others have
    their first and last token. Places in the list of tokens; `last` is inclusive. `depth` is 0 for
    the statements of a function's own block."""
    kind: str
    first: int
    last: int
    depth: int


@dataclass
class Function:
    name: str
    first: int  # the token { of the body
    last: int  # the token } of the body
    statements: list[Statement] = field(default_factory=list)


def tokenize(text: str) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        first_of_line = not text[text.rfind("\n", 0, at) + 1:at].strip()
        match = DIRECTIVE.match(text, at) if first_of_line else None
        if match:
            at = match.end()
            continue
        match = TOKEN.match(text, at)
        assert match, "the pattern matches any character"
        at = match.end()
        if match.lastgroup != "skip":
            tokens.append(Token(str(match.lastgroup), match.group(), match.start(), at))
    return tokens


class Source:
    """A C file: its text, tokens, and functions."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tokens = tokenize(text)
        self.lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self._match = self._match_brackets()
        self.functions = list(self._functions())

    def line_of(self, offset: int) -> int:
        """The number of the line that has the character at offset, from 0."""
        low, high = 0, len(self.lines)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low

    def line_start(self, line: int) -> int:
        return self._starts[line]

    def closing(self, place: int) -> int:
        """The place of the bracket that closes the one at place."""
        if place not in self._match:
            raise SourceError(f"{self.path}:{self.line_of(self.tokens[place].start) + 1}: "
                              "a bracket is never closed")
        return self._match[place]

    def _match_brackets(self) -> dict[int, int]:
        match: dict[int, int] = {}
        stack: list[int] = []
        for place, token in enumerate(self.tokens):
            if token.kind != OPERATOR:
                continue
            if token.text in CLOSING:
                stack.append(place)
            elif token.text in CLOSING.values():
                if stack and CLOSING[self.tokens[stack[-1]].text] == token.text:
                    match[stack.pop()] = place
        return match

    def is_op(self, place: int, text: str) -> bool:
        return place < len(self.tokens) and self.tokens[place].kind == OPERATOR \
            and self.tokens[place].text == text

    def _functions(self) -> Iterator[Function]:
        """A function is a name, parentheses and braces, outside of any others."""
        place = 0
        while place < len(self.tokens):
            if self.is_op(place, "(") and place in self._match:
                end = self._match[place]
                before = self.tokens[place - 1] if place else None
                if before and before.kind == NAME and self.is_op(end + 1, "{"):
                    function = Function(before.text, end + 1, self.closing(end + 1))
                    self._block(function, end + 1, 0)
                    yield function
                    place = function.last
                else:
                    place = end
            elif self.is_op(place, "{") and place in self._match:
                place = self._match[place]
            place += 1

    def _block(self, function: Function, place: int, depth: int) -> int:
        end = self.closing(place)
        place += 1
        while place < end:
            place = self._statement(function, place, depth)
        return end + 1

    def _end_of_simple(self, place: int) -> int:
        """The semicolon that ends the statement at place."""
        while not self.is_op(place, ";"):
            if place >= len(self.tokens) or self.is_op(place, "}"):
                raise SourceError(f"{self.path}: a statement has no end")
            place = self._match.get(place, place) + 1
        return place

    def _statement(self, function: Function, place: int, depth: int) -> int:
        """Reads the statement at place; returns the place behind it."""
        token = self.tokens[place]
        if self.is_op(place, "{"):
            return self._block(function, place, depth)
        if self.is_op(place, ";"):
            return place + 1
        if token.kind == NAME:
            word = token.text
            if word in ("if", "while", "for", "switch"):
                close = self.closing(place + 1)
                if word in ("if", "while"):
                    function.statements.append(Statement(word, place + 1, close, depth))
                return self._statement(function, close + 1, depth + 1)
            if word == "do":
                place = self._statement(function, place + 1, depth + 1)
                close = self.closing(place + 1)
                function.statements.append(Statement("while", place + 1, close, depth))
                return close + 2
            if word == "else":
                return self._statement(function, place + 1, depth + 1)
            if word in ("case", "default"):
                while not self.is_op(place, ":"):
                    place += 1
                return place + 1
            if self.is_op(place + 1, ":"):
                return place + 2
            if self.is_op(place + 1, "("):
                close = self.closing(place + 1)
                behind = self.tokens[close + 1]
                if self.is_op(close + 1, "{") or behind.kind == NAME:
                    # A loop by a macro, as list_for_each_entry().
                    return self._statement(function, close + 1, depth + 1)
        end = self._end_of_simple(place)
        kind = token.text if token.text in ("return", "break", "continue", "goto") else \
            "declaration" if self._declares(place) else "expression"
        function.statements.append(Statement(kind, place, end, depth))
        return end + 1

    def _declares(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind != NAME:
            return False
        if token.text in TYPE_WORDS:
            return True
        behind = place + 1
        while self.is_op(behind, "*"):
            behind += 1
        return self.tokens[behind].kind == NAME
