"""Scenarios: load one, with what it extends, presets and overrides; know where every value came from; write it out.

A scenario is refused as a whole, with everything that is wrong with it at once (:class:`sim.errors.ScenarioError`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import sim.world
from sim.core.quantities import Parameters
from sim.engine.inputs.checks import check
from sim.engine.inputs.layers import Files, from_data, merge, merge_scenarios, override_layers, preset_layer, to_data
from sim.engine.inputs.refusals import Report, validate
from sim.engine.inputs.resolved import DEFAULT, as_yaml, hash_of, origins, written_out
from sim.engine.reading import Node, Origin
from sim.engine.schema import About, Calendar, Event, Institutions, Merchants, ScenarioModel, json_schema
from sim.errors import Issue, ScenarioError
from sim.lenders.collection_terms import Collection
from sim.lenders.parameters import LenderSpec

__all__ = ["Scenario", "json_schema", "load"]

PRESETS = Path(sim.world.__path__[0]) / "presets"

# Values that are paths of files: relative to the file that writes them.
_FILE_PATHS = (("merchants", "orders", "file"), ("merchants", "orders", "value", "file"))
_NOT_MEANING = ("about",)
_NOT_WORLD = ("about", "lenders", "institutions")


@dataclass(frozen=True)
class Scenario:
    """A loaded, valid scenario. Values are those of the file, for a market of scale 1, unless said to be scaled.

    Parameters
    ----------
    path
        The file it was loaded from.
    folder
        Folder of that file, without symbolic links: where modules of own policies are looked for first.
    model
        All values.
    provenance
        Where the value at each dotted path came from: ``base.yaml:12``, ``preset taobao_2012``, ``--set``, ``--scale``
        or ``default``.
    notes
        What is legal but worth knowing, such as an event outside the calendar.
    """

    path: Path
    folder: Path
    model: ScenarioModel
    provenance: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def about(self) -> About:
        """What the scenario is for."""
        return self.model.about

    @property
    def scale(self) -> float:
        """Factor on merchants and lenders' money stocks."""
        return self.model.scale

    @property
    def calendar(self) -> Calendar:
        """The days that are simulated and reported."""
        return self.model.calendar

    @property
    def merchants(self) -> Merchants:
        """The merchants' parameters; ``number`` is for scale 1, :attr:`n_merchants` is scaled."""
        return self.model.merchants

    @property
    def events(self) -> Mapping[str, Event]:
        """Dated events by name."""
        return self.model.events

    @property
    def lenders(self) -> Mapping[str, LenderSpec]:
        """Lenders by name, for scale 1; :attr:`scaled_lenders` are scaled."""
        return self.model.lenders

    @property
    def institutions(self) -> Institutions:
        """The other players."""
        return self.model.institutions

    @property
    def n_merchants(self) -> int:
        """Merchants simulated: number x scale, rounded half up, at least 1."""
        return max(1, math.floor(self.merchants.number * self.scale + 0.5))

    @property
    def scaled_lenders(self) -> dict[str, LenderSpec]:
        """Lenders by name as they are at the start, with money stocks scaled."""
        return {name: spec.scaled(self.scale) for name, spec in self.lenders.items()}

    def lender_versions(self, name: str) -> tuple[tuple[Any, LenderSpec], ...]:
        """List (None, the lender at the start), then (date, lender) for each of its changes; money stocks scaled."""
        return self.lenders[name].versions(self.scale)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """Every value in file syntax, defaults included, presets and bases expanded, file paths absolute."""
        return written_out(self.model)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what the scenario means: all but ``about``, data files by their content."""
        return hash_of(self.resolved, _NOT_MEANING)

    @cached_property
    def world_hash(self) -> str:
        """SHA-256 of the world alone: all but ``about``, ``lenders`` and ``institutions``."""
        return hash_of(self.resolved, _NOT_WORLD)

    def dump(self) -> str:
        """Write the resolved scenario as YAML with the origin of each value in a comment; it loads to an equal hash."""
        return as_yaml(self.resolved, self.provenance)


def load(
    path: str | os.PathLike[str],
    overrides: Iterable[str] | Mapping[str, Any] = (),
    scale: float | None = None,
    *,
    folder: Path | None = None,
) -> Scenario:
    """Load a scenario file.

    Parameters
    ----------
    path
        The YAML file.
    overrides
        ``dotted.path=VALUE`` each, VALUE as a file would write it, or a mapping of dotted paths to values. Applied
        last, in order, by the rules of ``extends``; file paths in them are relative to the working directory.
    scale
        In place of the file's ``scale``.
    folder
        Where modules of own policies are looked for, if not beside the file.

    Raises
    ------
    ScenarioError
        With everything that is wrong, each with file, line, column, field, what is wrong and what is allowed.
    """
    top = Path(path)
    files = Files(top)
    root = files.read()
    if root is None:
        raise ScenarioError(files.issues)
    issues = files.issues
    here = Path.cwd()
    layers, found = override_layers(overrides, here)
    issues += found
    if scale is not None:
        layers.append(from_data({"scale": scale}, Origin("--scale", "--scale", here)))
    for layer in layers:
        root = merge_scenarios(root, layer)
    root = _over_defaults(_over_preset(root, issues))
    _make_paths_absolute(root)

    report = Report(root, str(top))
    model = validate(report, to_data(root), is_partial=files.is_partial)
    notes = [] if model is None or files.is_partial else check(report, model, folder or files.folder)
    issues += report.issues
    if issues or model is None:
        raise ScenarioError(_in_order(issues, str(top)))
    provenance = origins(written_out(model), report)
    return Scenario(top, folder or files.folder, model, provenance, tuple(notes))


def _over_preset(root: Node, issues: list[Issue]) -> Node:
    """Lay the merchants over the preset they name."""
    merchants = root.value.get("merchants")
    name = merchants.value.get("preset") if merchants is not None and isinstance(merchants.value, dict) else None
    if merchants is None or name is None or name.value is None:
        return root
    preset, found = preset_layer(name, PRESETS)
    issues += found
    if preset is None:
        return root
    return replace(root, value={**root.value, "merchants": merge(preset, merchants)})


def _over_defaults(root: Node) -> Node:
    """Lay the scenario over mappings that have entries by default, so that one entry can be changed alone."""
    below: dict[str, Any] = {"merchants": _filled(Merchants())}
    lenders = root.value.get("lenders")
    if lenders is not None and isinstance(lenders.value, dict):
        steps = _filled(Collection())
        known = {name: node for name, node in lenders.value.items() if isinstance(node.value, dict)}
        below["lenders"] = {name: {"collection": steps} for name in known}
    root = merge(from_data(below, Origin(DEFAULT, DEFAULT, Path())), root)
    return root


def _filled(block: Parameters) -> dict[str, Any]:
    """The mappings of a block that are not empty by default, as a file writes them."""
    written = block.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    mappings = [name for name, field in type(block).model_fields.items() if isinstance(field.default, dict)]
    return {name: written[name] for name in mappings if written.get(name)}


def _make_paths_absolute(root: Node) -> None:
    for path in _FILE_PATHS:
        node: Node | None = root
        for step in path:
            node = node.value.get(step) if node is not None and isinstance(node.value, dict) else None
        if node is not None and isinstance(node.value, str):
            node.value = os.path.normpath(node.origin.folder / node.value)


def _in_order(issues: list[Issue], top: str) -> list[Issue]:
    """Sort by place: the scenario itself first, then what it extends in the order it was read, overrides last."""
    files = list(dict.fromkeys([top, *(issue.file for issue in issues)]))
    return sorted(dict.fromkeys(issues), key=lambda issue: (files.index(issue.file), issue.line, issue.column))
