"""Read a policy's source for what no policy may use: random numbers of its own, and the clock of the machine.

A seeded generator gives the same answer twice, so running the policy cannot find it; but its luck belongs to the row a
merchant happens to stand in, and two lenders would no longer meet the same world. It is found here, when the policy is
checked, not when it hurts.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import NamedTuple

LUCK = ("random", "secrets", "uuid", "numpy.random", "os.urandom", "sim.core.draws")
CLOCK = (
    "time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
)  # fmt: skip


class Use(NamedTuple):
    """One use of something forbidden: its line, its full name, and whether it is the clock."""

    line: int
    name: str
    is_clock: bool


def forbidden_uses(policy_class: type) -> list[Use]:
    """Find what a policy class, and what it calls in its own file, uses of luck and clock, by line.

    Only code that the class can reach counts: a file may hold an experiment of its own beside the policy. A class
    without a source file (typed at a prompt) has nothing to read and gives an empty list.
    """
    try:
        file_lines, _ = inspect.findsource(policy_class)
        _, first_line = inspect.getsourcelines(policy_class)
    except (OSError, TypeError):
        return []
    tree = ast.parse("".join(file_lines))
    imported = dict(_imports(tree))
    uses = {use for node in _reached(tree, policy_class.__name__, first_line) for use in _uses(node, imported)}
    # `np.random` inside `np.random.rand` is no use of its own
    whole = {
        use
        for use in uses
        if not any((use.line, f"{use.name}.") == (one.line, one.name[: len(use.name) + 1]) for one in uses)
    }
    return sorted(whole)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give (name in this file, full name) of everything imported, wherever it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (one.asname, one.name) if one.asname else (one.name.split(".")[0], one.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"


def _reached(tree: ast.Module, class_name: str, first_line: int) -> Iterator[ast.AST]:
    """Give the class's definition, then every definition of its file that it mentions, each once."""
    defined: dict[str, ast.AST] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            defined |= {
                one.id: statement for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)
            }
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == class_name]
    classes.sort(key=lambda node: abs(min([node.lineno, *(one.lineno for one in node.decorator_list)]) - first_line))
    waiting: list[ast.AST] = list(classes[:1])
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        waiting += [defined[one.id] for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in defined]


def _uses(node: ast.AST, imported: dict[str, str]) -> Iterator[Use]:
    for one in ast.walk(node):
        name = ""
        if isinstance(one, ast.Name | ast.Attribute):
            name = _full_name(one, imported)
        elif isinstance(one, ast.Call) and _full_name(one.func, imported) in ("__import__", "importlib.import_module"):
            name = str(one.args[0].value) if one.args and isinstance(one.args[0], ast.Constant) else ""
        for names, is_clock in ((LUCK, False), (CLOCK, True)):
            if any(f"{name}.".startswith(f"{forbidden}.") for forbidden in names):
                yield Use(getattr(one, "lineno", 0), name, is_clock)


def _full_name(node: ast.AST, imported: dict[str, str]) -> str:
    """Give the dotted name of ``a.b.c`` with ``a`` as it was imported; nothing for a name of the file's own."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    if node.id not in imported:
        return node.id if node.id == "__import__" else ""
    return ".".join([imported[node.id], *reversed(parts)])
