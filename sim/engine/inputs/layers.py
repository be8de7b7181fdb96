"""Layers of values: a scenario over the one it extends, over a preset, under overrides.

Mappings merge, everything else replaces, ``{}`` empties a mapping, ``null`` removes an inherited key. Every value keeps
the place it was written at, which is its provenance.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.core.quantities import describe
from sim.engine.inputs.text import near, shown
from sim.engine.reading import Node, Origin, read_file, read_text
from sim.errors import Issue

MAX_BASES = 20
SCENARIOS = "scenarios"
_SUFFIXES = (".yaml", ".yml")


def merge(base: Node, over: Node) -> Node:
    """Return ``over`` laid over ``base``; a null over something becomes a removal, which stays as a mark."""
    if over.value is None and not over.is_refused:
        return replace(over, is_removal=True)
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or not over.value:
        return over
    values = dict(base.value)
    for key, node in over.value.items():
        values[key] = merge(values[key], node) if key in values else node
    return replace(over, value=values, holds_cut=base.holds_cut or over.holds_cut)


def merge_scenarios(base: Node, over: Node) -> Node:
    """Merge two whole scenarios; a later ``end`` of the calendar replaces an earlier ``days``, and the reverse."""
    old, new = base.value.get("calendar"), over.value.get("calendar")
    if old is not None and new is not None and isinstance(old.value, dict) and isinstance(new.value, dict):
        for given, other in (("days", "end"), ("end", "days")):
            if given in new.value and other not in new.value and other in old.value:
                old = replace(old, value={key: node for key, node in old.value.items() if key != other})
        base = replace(base, value={**base.value, "calendar": old})
    return merge(base, over) if over.value else base  # a file that only extends another one empties nothing


def to_data(node: Node) -> Any:
    """Give the plain values below a node; what is removed or refused is None or absent."""
    if isinstance(node.value, dict):
        return {key: to_data(inner) for key, inner in node.value.items() if not inner.is_removal}
    if isinstance(node.value, list):
        return [to_data(inner) for inner in node.value]
    return node.value


def from_data(data: Any, origin: Origin) -> Node:
    """Make nodes of plain values, all at the first place of ``origin``."""
    if isinstance(data, Mapping):
        return Node({str(key): from_data(value, origin) for key, value in data.items()}, origin, 1, 1, 1, 1)
    if isinstance(data, list | tuple):
        return Node([from_data(value, origin) for value in data], origin, 1, 1, 1, 1)
    return Node(data, origin, 1, 1, 1, 1)


class Files:
    """Reads a scenario with all it extends, and never leaves the folder tree of the first file.

    Parameters
    ----------
    path
        The scenario. Its folder tree begins at the nearest folder above it that is called ``scenarios``, or at its own
        folder if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.top = path
        self.issues: list[Issue] = []
        self.is_partial = False
        resolved = Path(os.path.realpath(path))
        self.folder = resolved.parent
        self.root = next((one for one in resolved.parents if one.name == SCENARIOS), self.folder)

    def read(self) -> Node | None:
        """Return the scenario merged over all it extends, without the key ``extends``; None if it cannot be read."""
        layers: list[Node] = []
        seen: list[Path] = []
        path: Path | None = Path(os.path.realpath(self.top))
        while path is not None:
            seen.append(path)
            origin = Origin(self._label(path), self._short(path), path.parent)
            node, issues = read_file(self.top if len(seen) == 1 else path, origin)
            self.issues += issues
            if node is None:
                if len(seen) == 1:
                    return None
                self.is_partial = True
                break
            extends = node.value.pop("extends", None)
            layers.append(node)
            path = None if extends is None else self._find(extends, seen)
        merged = layers[-1]
        for layer in reversed(layers[:-1]):
            merged = merge_scenarios(merged, layer)
        return merged

    def _find(self, extends: Node, seen: list[Path]) -> Path | None:
        """Find the file that ``extends`` names, or note why there is none."""
        name = extends.value
        if name is None or extends.is_refused:
            return None
        if not isinstance(name, str):
            self._refuse(extends, f"{describe(name)} where the name of a scenario is needed", "as in `extends: base`")
            return None
        inside = f"it must lie inside {self.root.name}/"
        if "\0" in name or os.path.isabs(name) or len(name) > 255:
            self._refuse(extends, f"{describe(name)} is no name of a scenario", inside)
            return None
        file_name = name if name.endswith(_SUFFIXES) else name + ".yaml"
        candidates = [Path(os.path.normpath(place / file_name)) for place in (extends.origin.folder, self.root)]
        for candidate in dict.fromkeys(candidates):
            real = Path(os.path.realpath(candidate))
            if not (candidate.is_relative_to(self.root) and real.is_relative_to(self.root)):
                self._refuse(extends, f"{describe(name)} leaves the scenario's folder tree", inside)
                return None
            if not real.exists() or (real == seen[-1] and candidate != candidates[-1]):
                continue  # a scenario of the same name higher up may be meant
            if real in seen:
                self._refuse(extends, f"{describe(name)} extends itself, at the end of a circle", "extend another one")
                return None
            if len(seen) > MAX_BASES:
                self._refuse(extends, f"more than {MAX_BASES} scenarios extend each other", "shorten the chain")
                return None
            return real
        names = [one.stem for one in sorted(self.root.glob("*.yaml"))[:200] if one not in seen]
        self._refuse(extends, f"there is no scenario {describe(name)} in {self.root.name}/", near(name, names))
        return None

    def _label(self, path: Path) -> str:
        """Name a file as the user would reach it from where he stands."""
        if path == Path(os.path.realpath(self.top)):
            return str(self.top)
        return os.path.normpath(self.top.parent / os.path.relpath(path, self.folder))

    def _short(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def _refuse(self, node: Node, problem: str, allowed: str) -> None:
        self.is_partial = True
        self.issues.append(Issue(node.origin.label, node.line, node.column, "extends", problem, allowed))


def preset_layer(name: Node, folder: Path) -> tuple[Node | None, list[Issue]]:
    """Read the preset that ``merchants.preset`` names."""
    known = sorted(one.stem for one in folder.glob("*.yaml"))
    if not isinstance(name.value, str) or name.is_refused:
        return None, []  # the model says so
    if name.value not in known:
        allowed = f"allowed: {', '.join(known)}" if known else "none is installed"
        problem = f"there is no preset {describe(name.value)}"
        place = (name.origin.label, name.line, name.column, "merchants.preset")
        return None, [Issue(*place, problem, allowed, near(name.value, known))]
    label = f"preset {name.value}"
    return read_file(folder / f"{name.value}.yaml", Origin(label, label, folder))


def override_layers(overrides: Iterable[str] | Mapping[str, Any], folder: Path) -> tuple[list[Node], list[Issue]]:
    """Read overrides, ``dotted.path=VALUE`` each or a mapping of dotted paths to values, into one layer each.

    A value is a YAML scalar or stands in braces or brackets.
    """
    origin = Origin("--set", "--set", folder)
    layers: list[Node] = []
    issues: list[Issue] = []
    if isinstance(overrides, str):
        overrides = [overrides]
    for override in overrides.items() if isinstance(overrides, Mapping) else overrides:
        path, value, found = _read_override(override, origin)
        issues += found
        if value is None:
            continue
        for step in reversed(path.split(".")):
            value = Node({step: value}, origin, 1, 1, 1, 1)
        layers.append(value)
    return layers, issues


def _read_override(override: str | tuple[str, Any], origin: Origin) -> tuple[str, Node | None, list[Issue]]:
    path, equals, text = override.partition("=") if isinstance(override, str) else (override[0], "=", override[1])
    path = path.strip()
    issue = Issue(origin.label, 1, 1, shown(path, 80), "")
    if not equals:
        return path, None, [replace(issue, problem="there is no = in it", allowed="write PATH=VALUE")]
    if not all(step.strip() == step and step for step in path.split(".")) or path.count(".") > 30:
        return (
            path,
            None,
            [replace(issue, problem="is no path", allowed="write keys with dots between, as in scale=0.1")],
        )
    if not isinstance(override, str):
        return path, from_data(text, origin), []
    node, issues = read_text(text, origin)
    issues = [replace(one, line=1, column=1, field=_below(path, one.field)) for one in issues]
    return path, None if node is None else _at_start(node), issues


def _below(path: str, inner: str) -> str:
    return path + ("." if inner and not inner.startswith("[") else "") + inner


def _at_start(node: Node) -> Node:
    """Place a value and all below it at the start of its override, whose text has no lines."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _at_start(inner) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_at_start(inner) for inner in value]
    return replace(node, value=value, line=1, column=1, key_line=1, key_column=1)
