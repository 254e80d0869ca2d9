# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

"""What is taken for a token, a function, a statement."""

import pytest
from mutants.csource import Source, SourceError, tokenize


def texts(code: str) -> list[str]:
    return [token.text for token in tokenize(code)]


def kinds(code: str) -> list[str]:
    source = Source("x.c", code)
    return [statement.kind for statement in source.functions[0].statements]


def test_comments_are_no_tokens() -> None:
    assert texts("a /* b < c */ + d // e\n- f") == ["a", "+", "d", "-", "f"]


def test_preprocessor_lines_are_no_tokens() -> None:
    assert texts("#if A < B && \\\n    C\na;\n  # define X (1 + 2)\nb;\n#endif") == \
        ["a", ";", "b", ";"]


def test_a_hash_inside_a_line_is_a_token() -> None:
    assert "#" in texts("a # b\n")


@pytest.mark.parametrize("literal", [r'"a \" < b"', "'\"'", r"'\''", r'"\\"', '""'])
def test_strings_and_characters_are_whole(literal: str) -> None:
    assert texts(f"f({literal}, b);") == ["f", "(", literal, ",", "b", ")", ";"]


@pytest.mark.parametrize("operator", ["<<=", ">>=", "->", "++", "<<", "<=", "==", "&&", "||", "|="])
def test_long_operators_are_one_token(operator: str) -> None:
    assert texts(f"a {operator} b") == ["a", operator, "b"]


def test_functions_are_found_and_prototypes_are_not() -> None:
    source = Source("x.c", """
int f(int a);
static struct s *g(void)
{
	return 0;
}
struct ops ops = { .f = h(1), };
int
h(int a)
{
	if (a) { return 1; }
	return 2;
}
""")
    assert [function.name for function in source.functions] == ["g", "h"]


def test_declarations_are_no_expressions() -> None:
    assert kinds("void f(void)\n{\n\tu64 a = 1;\n\tstruct s *b;\n\tfoo *c;\n\ta = 2;\n\tb(c);\n}\n") \
        == ["declaration", "declaration", "declaration", "expression", "expression"]


def test_loops_by_macros_are_no_statements_themselves() -> None:
    assert kinds("void f(void)\n{\n\tfor_each_x(a, b)\n\t\tc(a);\n\tfor_each_y(a) {\n\t\td(a);\n"
                 "\t}\n}\n") == ["expression", "expression"]


def test_labels_and_cases_are_skipped() -> None:
    assert kinds("void f(void)\n{\n\tswitch (a) {\n\tcase A ... B:\n\t\tb();\n\t\tbreak;\n"
                 "\tdefault:\n\t\tgoto out;\n\t}\nout:\n\tc();\n}\n") == \
        ["expression", "break", "goto", "expression"]


def test_initialisers_with_braces_are_one_statement() -> None:
    assert kinds("void f(void)\n{\n\tstruct s a = {\n\t\t.b.c = d,\n\t};\n\te(a);\n}\n") == \
        ["declaration", "expression"]


def test_depth_counts_conditions_and_loops() -> None:
    source = Source("x.c", "int f(int a)\n{\n\tif (a)\n\t\treturn 1;\n\treturn 2;\n}\n")
    returns = [s.depth for s in source.functions[0].statements if s.kind == "return"]
    assert returns == [1, 0]


def test_line_numbers() -> None:
    source = Source("x.c", "a\nbb\nccc\n")
    assert [source.line_of(at) for at in (0, 1, 2, 4, 5, 8)] == [0, 0, 1, 1, 2, 2]


def test_an_open_bracket_is_told() -> None:
    with pytest.raises(SourceError, match="x.c"):
        Source("x.c", "void f(void)\n{\n\tif (a {\n}\n")
