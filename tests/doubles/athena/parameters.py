"""Athena's rules for execution parameters: `?` in WHERE only, as many literals as question marks, strings in quotes."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType

from tests.doubles.athena.failing import QueryFailed

_CONSTANTS = (exp.Literal, exp.Boolean, exp.Null)


def filled(sql: str, parameters: list[str]) -> str:
    """The query with its question marks replaced by the parameters.

    Raises:
        QueryFailed: One of the rules is broken.
    """
    try:
        tree = sqlglot.parse_one(sql, read="athena")
    except (ParseError, TokenError) as error:
        raise QueryFailed(f"SYNTAX_ERROR: line 1:1: {str(error).splitlines()[0]}") from error
    if not isinstance(tree, exp.Query):
        raise QueryFailed("NOT_SUPPORTED: Execution parameters are for SELECT, INSERT, CTAS and UNLOAD")
    for mark in tree.find_all(exp.Placeholder):
        if mark.find_ancestor(exp.Where) is None:
            raise QueryFailed("SYNTAX_ERROR: line 1:1: Parameters are supported in the WHERE clause only")
    marks = [
        token for token in sqlglot.tokenize(sql, read="athena") if token.token_type is TokenType.PLACEHOLDER
    ]
    if len(marks) != len(parameters):
        raise QueryFailed(
            f"INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected {len(marks)} "
            f"but found {len(parameters)}"
        )
    for mark, text in reversed(list(zip(marks, parameters, strict=True))):
        sql = sql[: mark.start] + _constant(text) + sql[mark.end + 1 :]
    return sql


def _constant(text: str) -> str:
    try:
        (tree,) = sqlglot.parse(text, read="athena")
    except (ParseError, TokenError, ValueError) as error:
        raise QueryFailed(f"SYNTAX_ERROR: line 1:1: mismatched input in parameter {text[:40]}") from error
    inner = tree.this if isinstance(tree, exp.Neg | exp.Cast) else tree
    if not isinstance(inner, _CONSTANTS):
        raise QueryFailed(
            f"SYNTAX_ERROR: line 1:1: Constant expression cannot contain column references ({text[:40]})"
        )
    return text
