"""Small changes of the code that must not go unnoticed: each operator, constant and refusal, one at a time."""

import ast
import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.saboteurs.sabotage import Saboteur, sabotaged

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip

_ENDS_WITHIN = 300


@dataclass(frozen=True, slots=True)
class Target:
    """A file, the functions of it that are changed (all, when none is named), and the tests that must notice."""

    file: str
    tests: tuple[str, ...]
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what it was, and the whole file with it."""

    place: str
    text: str


def mutants(target: Target, root: Path) -> Iterator[Mutant]:
    """Return every change of a target; each is made on a fresh tree."""
    tree = ast.parse((root / target.file).read_text("utf-8"))
    seen = {ast.unparse(tree)}
    for index, node in enumerate(ast.walk(tree)):
        if not _is_inside(tree, node, target.functions):
            continue
        for variant in range(_variants(node)):
            changed = copy.deepcopy(tree)
            found = next(each for number, each in enumerate(ast.walk(changed)) if number == index)
            _change(found, variant)
            was, line = ast.unparse(node)[:70], getattr(node, "lineno", 0)
            text = ast.unparse(changed)
            if text in seen:
                continue
            seen.add(text)
            yield Mutant(f"{target.file}:{line}: {was!r} -> {ast.unparse(found)[:70]!r}", text)


def _is_inside(tree: ast.Module, node: ast.AST, functions: tuple[str, ...]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return False  # texts for people, and docstrings
    bodies = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(node in ast.walk(each) for each in bodies if not functions or each.name in functions)


def _variants(node: ast.AST) -> int:
    match node:
        case ast.Compare(ops=ops):
            return len(ops)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Raise() | ast.IfExp() | ast.If():
            return 1
        case ast.Constant(value=bool() | int()):
            return 1
        case ast.Return(value=value):
            return int(value is not None and not (isinstance(value, ast.Constant) and value.value is None))
    return 0


def _change(node: ast.AST, variant: int) -> None:
    match node:
        case ast.Compare(ops=ops):
            ops[variant] = _OPPOSITES[type(ops[variant])]()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Raise():
            node.exc, node.cause = ast.Name("SystemError", ast.Load()), None
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() as value):
            node.value = value + 1
        case ast.Return():
            node.value = ast.Constant(None)


def survivors(target: Target, root: Path, folder: Path) -> tuple[int, list[str]]:
    """Try every change in one copy of the project; returns how many there were, and those that no test noticed."""
    whole = Saboteur(goal="S17", breaks="nothing", file=target.file, line="\0", instead="", caught_by="")
    copied = sabotaged(whole, folder)
    environment = {**os.environ, "PYTHONPATH": f"{copied / 'src'}{os.pathsep}{copied}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider",
        "-m", "not faults and not soak", *target.tests,
    ]  # fmt: skip
    unchanged = subprocess.run(command, cwd=copied, env=environment, capture_output=True, check=False)
    assert unchanged.returncode == 0, unchanged.stdout.decode()
    tried, alive = 0, []
    for mutant in mutants(target, root):
        (copied / target.file).write_text(mutant.text, "utf-8")
        tried += 1
        # A change that makes a loop without an end is one that is noticed.
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                command, cwd=copied, env=environment, capture_output=True, check=False, timeout=_ENDS_WITHIN
            )
            alive += [mutant.place] if done.returncode == 0 else []
    return tried, alive
