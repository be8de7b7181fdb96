"""What the model refuses, in plain English and at its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.core.quantities import describe
from sim.engine.inputs.text import near
from sim.engine.reading import Node, join
from sim.engine.schema import OrderValue, ScenarioModel
from sim.errors import Issue
from sim.lenders.policy_spec import PolicySpec

Path = tuple[str | int, ...]

_MOST_KEYS = 14
_EXTENDS = "extends"
_GROUP_ERRORS = ("model_type", "model_attributes_type", "dict_type", "mapping_type")
_LIST_ERRORS = ("list_type", "tuple_type")


class Report:
    """Collects issues about the tree of a scenario, each at the key or the value it is about; ``top`` is the file."""

    def __init__(self, root: Node, top: str) -> None:
        self.root = root
        self.top = top
        self.issues: list[Issue] = []
        self.broken: set[Path] = set()

    def find(self, path: Sequence[str | int]) -> tuple[Node, int]:
        """Return the node at ``path``, or the last one on the way to it, and how many steps lead to it."""
        node = self.root
        for n, step in enumerate(path):
            inner = node.value.get(step) if isinstance(node.value, dict) else None
            if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                inner = node.value[step]
            if inner is None:
                return node, n
            node = inner
        return node, len(path)

    def add(self, path: Path, problem: str, allowed: str = "", hint: str = "", *, at_key: bool = False) -> None:
        """Note an issue about the value (or the key) at ``path``; a value that is refused already gets no more."""
        node, n = self.find(path)
        is_absent = n < len(path)
        if not is_absent and (node.holds_cut or (node.is_refused and not at_key)):
            return
        line, column = (
            node.at_key() if at_key or is_absent or isinstance(node.value, dict) else (node.line, node.column)
        )
        issue = Issue(node.origin.label, line, column, join(path), problem, allowed, hint)
        if issue not in self.issues:
            self.issues.append(issue)

    def is_broken_below(self, path: Path) -> bool:
        """Whether anything at or below ``path`` was refused."""
        return any(broken[: len(path)] == path for broken in self.broken)

    def is_broken(self, *paths: Path) -> bool:
        """Whether a value at or above one of ``paths`` was refused, so that checks of it against others say nothing."""
        return any(path[:n] in self.broken for path in paths for n in range(1, len(path) + 1))


def validate(report: Report, data: dict[str, Any], *, is_partial: bool = False) -> ScenarioModel | None:
    """Make the model of ``data``; what is refused is noted and left out, until the rest holds together.

    With ``is_partial`` a base could not be read: what is missing may well be in it.

    Returns
    -------
    ScenarioModel or None
        Never None when nothing was refused.
    """
    for attempt in range(12):
        try:
            return ScenarioModel.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path = _path(detail)
                is_removal = detail["input"] is None and detail["type"] != "extra_forbidden"
                is_consequence = detail["type"] == "missing" and (attempt > 0 or is_partial)
                if not is_consequence and not (is_removal and not isinstance(path[-1], int)):
                    tell(report, ScenarioModel, detail)
                if not is_removal:
                    report.broken.add(path)
                _leave_out(data, path if detail["type"] != "missing" else path[:-1])
    return None


def tell(report: Report, model: type[BaseModel], detail: ErrorDetails, *, at: Path | None = None) -> None:
    """Note what the model refused, in plain English; ``at`` is its place if ``model`` is not at the top."""
    path = _path(detail)
    place = path if at is None else at
    node, n = report.find(place)
    value = detail["input"] if n < len(place) or isinstance(node.value, dict | list) else node.value
    problem, allowed, hint, at_key = _explain(model, path, detail, value)
    group, _ = report.find(place[:-1])
    if detail["type"] == "extra_forbidden" and group.in_flow and re.match(r"[0-9]{3}\b", str(path[-1])):
        hint = "a comma in braces separates keys: leave it out of numbers, or use quotes"
    report.add(place, problem, allowed, hint, at_key=at_key)


def _explain(model: type[BaseModel], path: Path, detail: ErrorDetails, value: Any) -> tuple[str, str, str, bool]:
    """Give (problem, allowed, hint, whether it is about the key); ``value`` is what the file says."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "quantity":
        problem = context["problem"]
        if problem.startswith("out of bounds"):
            problem = f"{describe(value)} is {problem}"
        return problem, context["allowed"], "", detail["loc"][-1] == "[key]"
    if kind == "extra_forbidden":
        return *_unknown_key(group_at(model, path[:-1]), path), True
    if kind == "missing":
        return "is missing", _doc(group_at(model, path[:-1]), str(path[-1])), "", True
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        hint = near(value, choices) if isinstance(value, str) else ""
        return f"{describe(value)} is not known", f"allowed: {', '.join(choices)}", hint, False
    if kind in _GROUP_ERRORS:
        keys = _keys(group_at(model, path))
        example = (
            f"write `key: value` pairs; keys: {', '.join(keys[:_MOST_KEYS])}" if keys else "write `key: value` pairs"
        )
        return f"{describe(value)} where a group of keys is needed", example, "", False
    if kind in _LIST_ERRORS:
        return f"{describe(value)} where a list is needed", "write it in brackets, as in [a, b]", "", False
    said = re.sub(r"^(Input|Value error,?)\s+(should be\s+)?", "", detail["msg"])
    return f"{describe(value)} cannot be taken", f"needed: {said[:1].lower()}{said[1:]}", "", False


def _unknown_key(group: type[BaseModel] | None, path: Path) -> tuple[str, str, str]:
    key = str(path[-1])
    keys = _keys(group)
    if len(path) == 1:
        keys = [_EXTENDS, *keys]
    allowed = f"allowed: {', '.join(keys)}" if len(keys) <= _MOST_KEYS else "`lendsim schema` lists all keys"
    return f"unknown key {describe(key)}", allowed, near(key, keys)


def group_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model class that stands at ``path`` below ``model``, or None."""
    annotation: Any = model
    for step in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(step))
            annotation = None if field is None else _without_none(field.annotation)
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            return None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _without_none(annotation: Any) -> Any:
    kinds = [one for one in get_args(annotation) if one is not type(None)]
    return kinds[0] if type(None) in get_args(annotation) and len(kinds) == 1 else annotation


def _keys(group: type[BaseModel] | None) -> list[str]:
    if group is None:
        return []
    hidden = {"parameters"} if issubclass(group, PolicySpec) else {"amount"} if group is OrderValue else set()
    return [key for key in group.model_fields if key not in hidden]


def _doc(group: type[BaseModel] | None, key: str) -> str:
    said = (group.model_fields[key].description or "") if group is not None and key in group.model_fields else ""
    is_acronym = said[1:2].isupper()
    return f"needed: {said[:1] if is_acronym else said[:1].lower()}{said[1:].rstrip('.')}" if said else ""


def _path(detail: ErrorDetails) -> Path:
    """Path of the value in the file: without the marks of the validator for keys and for a bare amount."""
    path = tuple(step for step in detail["loc"] if step != "[key]")
    return path[:-1] if path[-2:] == ("value", "amount") else path


def _leave_out(data: Any, path: Path) -> None:
    """Remove the value at ``path`` from nested mappings; a value in a list takes the whole list along."""
    for step in path[:-1]:
        inner = data.get(step) if isinstance(data, Mapping) else None
        if not isinstance(inner, Mapping):
            data.pop(step, None)
            return
        data = inner
    if path:
        data.pop(path[-1], None)
