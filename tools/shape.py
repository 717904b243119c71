"""Measures the shape of the code and fails above the budget (`make shape`).

The budget is the one of docs/architecture.md: a model codebase is one without a tail, so the
hard limits are on the largest module and function, not on the averages. Code lines are those
that are neither blank, nor comment, nor docstring.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("vospace_model", "vospace_server", "vofs")
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 40
MAX_NESTING = 3

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
# `with` opens a resource rather than a decision, so it does not count as a level.
COUNTED_NODES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)
SKIPPED_TOKENS = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionShape:
    """One function: where it is, its code lines and its deepest nesting."""

    place: str
    lines: int
    nesting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleShape:
    """One module: its path, its code lines, its functions."""

    path: str
    lines: int
    functions: tuple[FunctionShape, ...]


def docstring_lines(tree: ast.Module) -> set[int]:
    """The numbers of all lines that belong to docstrings."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def code_lines(source: str, tree: ast.Module) -> set[int]:
    """The numbers of all lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SKIPPED_TOKENS:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(tree)


def nesting_of(node: ast.AST, depth: int = 0) -> int:
    """The deepest level of decisions below a node; an `elif` is not a level of its own."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda):
            continue
        is_elif = (
            isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        )
        step = 1 if isinstance(child, COUNTED_NODES) and not is_elif else 0
        deepest = max(deepest, nesting_of(child, depth + step))
    return deepest


def measure(path: Path) -> ModuleShape:
    """Read one module and measure it."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = code_lines(source, tree)
    functions = tuple(
        FunctionShape(
            place=f"{path}:{node.lineno} {node.name}",
            lines=len(
                [n for n in lines if node.lineno <= n <= (node.end_lineno or node.lineno)]
            ),
            nesting=nesting_of(node),
        )
        for node in ast.walk(tree)
        if isinstance(node, FunctionNode)
    )
    return ModuleShape(path=str(path), lines=len(lines), functions=functions)


def percentile(values: list[int], share: float) -> int:
    """The value below which the given share of all values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def faults_of(module: ModuleShape) -> list[str]:
    """What in a module is above the budget, a sentence each."""
    faults = []
    if module.lines > MAX_MODULE_LINES:
        faults.append(f"{module.path}: {module.lines} code lines, {MAX_MODULE_LINES} allowed")
    for function in module.functions:
        if function.lines > MAX_FUNCTION_LINES:
            faults.append(
                f"{function.place}: {function.lines} code lines, {MAX_FUNCTION_LINES} allowed"
            )
        if function.nesting > MAX_NESTING:
            faults.append(
                f"{function.place}: nested {function.nesting} deep, {MAX_NESTING} allowed"
            )
    return faults


def report(package: str, modules: list[ModuleShape]) -> str:
    """One row of the table."""
    sizes = [module.lines for module in modules]
    functions = [f.lines for module in modules for f in module.functions] or [0]
    return (
        f"{package:16} {len(modules):5} {sum(sizes):7} "
        f"{int(statistics.median(sizes)):5} / {percentile(sizes, 0.9):4} / {max(sizes):4}     "
        f"{int(statistics.median(functions)):4} / {percentile(functions, 0.9):3} / "
        f"{max(functions):3}"
    )


def main(arguments: list[str]) -> int:
    """Print the table; 1 when anything is above the budget."""
    roots = [Path(argument) for argument in arguments] or [
        Path(package) for package in PACKAGES
    ]
    print(
        f"{'':16} {'files':>5} {'code':>7}  module med / p90 /  max    function med / p90 / max"
    )
    faults: list[str] = []
    for root in roots:
        paths = [root] if root.is_file() else sorted(root.rglob("*.py"))
        modules = [measure(path) for path in paths]
        if not modules:
            continue
        print(report(str(root), modules))
        for module in modules:
            faults.extend(faults_of(module))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
