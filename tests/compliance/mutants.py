"""Mutants of a policy: its module with one decision changed. A policy's examples must tell each from the original."""

import ast
from collections.abc import Iterator

_OPPOSITE = {
    ast.Eq: ast.NotEq,
    ast.In: ast.NotIn,
    ast.Is: ast.IsNot,
    ast.Gt: ast.GtE,
    ast.Lt: ast.LtE,
    ast.And: ast.Or,
}
_OPPOSITE |= {other: one for one, other in _OPPOSITE.items()}


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """What was changed, and the changed module."""
    for index in range(len(_decisions(ast.parse(source)))):
        tree = ast.parse(source)
        node = _decisions(tree)[index]
        before = ast.unparse(node)
        _change(node)
        yield f"{before} -> {ast.unparse(node)}", ast.fix_missing_locations(tree)


def _decisions(tree: ast.Module) -> list[ast.AST]:
    """What `applies` and `violation` decide by, and the facts that the policy needs."""
    functions = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in ("applies", "violation")
    ]
    inside = [node for function in functions for node in ast.walk(function)]
    needs = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "needs"]
    about = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "about"]
    return [node for node in inside if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp)] + needs + about


def _change(node: ast.AST) -> None:
    match node:
        case ast.Compare():
            node.ops[0] = _OPPOSITE[type(node.ops[0])]()
        case ast.BoolOp():
            node.op = _OPPOSITE[type(node.op)]()
        case ast.UnaryOp():
            node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)
        case ast.Tuple():
            node.elts.pop()
        case ast.keyword():
            node.value = ast.parse("frozenset()", mode="eval").body
