"""A scenario written out in full: every value, where it came from, and a hash of what it means."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from sim.core.quantities import Parameters
from sim.engine.inputs.refusals import Path, Report
from sim.engine.inputs.text import plain_scalar
from sim.engine.reading import join
from sim.engine.schema import Merchants, ScenarioModel
from sim.lenders.collection_terms import Collection

DEFAULT = "default"
_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9_ .%/()+-]*[A-Za-z0-9%)]|[A-Za-z]")
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def written_out(model: ScenarioModel) -> dict[str, Any]:
    """Return every value in file syntax, defaults included; what is not set is left out, presets are expanded."""
    data: dict[str, Any] = _without_none(model.model_dump(mode="json"))
    for lender in data.get("lenders", {}).values():
        _write_removals(lender["collection"], Collection())
    _write_removals(data["merchants"], Merchants())
    merchants = data["merchants"]
    merchants.pop("preset", None)
    data["merchants"] = {"number": merchants.pop("number"), **merchants}
    return data


def _write_removals(block: dict[str, Any], usual: Parameters) -> None:
    """Write null for every entry of a mapping that is there by default and not here: else it would come back."""
    for name, field in type(usual).model_fields.items():
        if isinstance(field.default, dict) and isinstance(block.get(name), dict):
            block[name] |= {key: None for key in field.default if key not in block[name]}


def origins(data: Mapping[str, Any], report: Report) -> dict[str, str]:
    """Say for every leaf, by its dotted path, where its value came from: ``base.yaml:12``, ``--set``, ``default``."""
    found: dict[str, str] = {}
    for path, _ in _leaves(data, ()):
        node, n = report.find(path)
        if n < len(path) or node.is_removal:
            found[join(path)] = DEFAULT
        else:
            short = node.origin.short
            found[join(path)] = f"{short}:{node.line}" if short.endswith((".yaml", ".yml")) else short
    return found


def as_yaml(data: Mapping[str, Any], provenance: Mapping[str, str]) -> str:
    """Write the whole scenario as a file that can be loaded again, with the origin of each value in a comment."""
    lines = ["# Every value of the scenario, and where it came from."]
    lines += _lines(data, (), provenance)
    return "\n".join(lines) + "\n"


def hash_of(data: Mapping[str, Any], leave_out: tuple[str, ...]) -> str:
    """Return the SHA-256 of what the scenario means, without the top-level keys in ``leave_out``.

    The order of categories and lenders counts, since draws and ties may depend on it; the order of other keys does not.
    Data files count by their content, not by where they lie.
    """
    kept = {key: value for key, value in data.items() if key not in leave_out}
    if "merchants" in kept:
        merchants = dict(kept["merchants"])
        merchants["categories"] = list(merchants["categories"].items())
        if "orders" in merchants:
            merchants["orders"] = _by_content(merchants["orders"])
        kept["merchants"] = merchants
    if "lenders" in kept:
        kept["lenders"] = list(kept["lenders"].items())
    text = json.dumps(kept, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _by_content(orders: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: _by_content(value) if isinstance(value, Mapping) else value for key, value in orders.items()}
    path = FilePath(str(orders.get("file", "")))
    if path.is_file():
        with path.open("rb") as file:
            found["file"] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _without_none(data: Any, *, keeps: bool = False) -> Any:
    """Leave out what is None; in the settings of a change a null means the default and stays."""
    if isinstance(data, dict):
        return {
            key: _without_none(value, keeps=keeps or key == "set")
            for key, value in data.items()
            if value is not None or keeps
        }
    return data


def _leaves(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path, data


def _lines(data: Mapping[str, Any], path: Path, provenance: Mapping[str, str]) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in data.items():
        here = (*path, key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(value, here, provenance)
        else:
            origin = provenance.get(join(here), "")
            comment = f"  # {''.join(one if one.isprintable() else '?' for one in origin)}" if origin else ""
            yield f"{indent}{_scalar(key)}: {_flow(value)}{comment}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value) and isinstance(plain_scalar(value), str):
        return value
    return '"' + "".join(_ESCAPED.get(one) or (one if one.isprintable() else _escape(one)) for one in value) + '"'


def _escape(one: str) -> str:
    number = ord(one)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
