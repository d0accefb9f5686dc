"""Every small change of a module: what a mutation run tries, one at a time."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}  # fmt: skip
SPOKEN = (
    *("HeadError", "ChunkError", "PacketError", "KeyFileError", "Option"),
    "config.warnings.append",
)
"""Calls whose texts are for people: no test shall insist on their words."""


class Change(NamedTuple):
    """A module with one difference."""

    name: str  # function: old -> new
    text: str


def changes(text: str) -> Iterator[Change]:
    """Every change of a module, in the order of its lines; equal names get a number."""
    tree = ast.parse(text)
    _Silent().visit(tree)
    seen: dict[str, int] = {}
    for node, owner in _places(tree):
        for variant in range(_variants(node)):
            kind, fields = type(node), dict(vars(node))
            before, after = _change(node, variant)
            name = f"{owner}: {before} -> {after}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            yield Change(name, ast.unparse(tree))
            node.__class__ = kind
            vars(node).clear()
            vars(node).update(fields)


class _Silent(ast.NodeTransformer):
    """Marks what is not to be changed: docstrings, annotations, texts for people."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if ast.unparse(node.func) in SPOKEN:
            for each in ast.walk(node):
                if isinstance(each, ast.Constant):
                    each.kind = "said"
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        for each in ast.walk(node.annotation):
            each.silent = True  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        for each in ast.walk(node):
            each.silent = True  # type: ignore[attr-defined]
        return node


def _places(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    """Every node that can be changed, and the function in which it stands."""
    found: list[tuple[ast.AST, str]] = []

    def walk(node: ast.AST, owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            if getattr(child, "silent", False) or _is_docstring(child):
                continue
            if isinstance(child, ast.FunctionDef) and child.returns is not None:
                for each in ast.walk(child.returns):
                    each.silent = True  # type: ignore[attr-defined]
            named = isinstance(child, ast.FunctionDef | ast.ClassDef)
            inner = f"{owner}.{child.name}".strip(".") if named else owner  # type: ignore[attr-defined]
            if _variants(child):
                found.append((child, inner or "module"))
            walk(child, inner)

    walk(tree, "")
    return found


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _variants(node: ast.AST) -> int:
    """In how many ways a node can be changed."""
    match node:
        case ast.Compare(ops=[op]):
            return int(type(op) in COMPARED)
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            return int(type(op) in COUNTED)
        case ast.BoolOp() | ast.Not() | ast.Break() | ast.Continue():
            return 1 if not isinstance(node, ast.Not) else 0
        case ast.UnaryOp(op=ast.Not()):
            return 1
        case ast.If():
            return 2
        case ast.Raise(exc=ast.expr()) | ast.Expr(value=ast.Call()):
            return 1
        case ast.Constant(value=value, kind=kind):
            return int(kind != "said" and isinstance(value, int | str | bytes))
    return 0


def _change(node: ast.AST, variant: int) -> tuple[str, str]:
    """Change a node in place; say what it was and what it is."""
    before = _shown(node)
    match node:
        case ast.Compare():
            node.ops = [COMPARED[type(node.ops[0])]()]
        case ast.BinOp() | ast.AugAssign():
            node.op = COUNTED[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.If():
            node.test = ast.Constant(bool(variant))
        case ast.Constant():
            node.value = _other(node.value)
        case ast.Raise() | ast.Expr() | ast.Break() | ast.Continue():
            after = {ast.Break: "continue", ast.Continue: "break"}.get(type(node), "pass")
            _become(node, after)
            return before, after
    return before, _shown(node)


def _become(node: ast.AST, statement: str) -> None:
    """Turn one statement into another."""
    new = ast.parse(statement).body[0]
    node.__class__ = type(new)
    for field in list(vars(node)):
        if field not in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            delattr(node, field)


def _other(value: object) -> int | str | bytes:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + "x" if value else "x"
        case bytes():
            return value + b"x"
    raise TypeError(value)


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    return ast.unparse(node)
