"""The manifest of a run: who made it from what, so that it can be made again and is not taken for another."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sim.errors import StoreError
from sim.results.files import FORMAT, MANIFEST, SCHEMA_VERSION, read_json

#: What makes two runs the same run.
KEY = ("scenario_hash", "seed", "code_version", "plug_ins")
LIBRARIES = ("numpy", "numba", "pyarrow", "pandas", "scipy", "mesa", "simpy", "pydantic")


@functools.cache
def code_version() -> str:
    """Version and hash of the package's sources, as ``0.1.0+3f2a...``."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".yaml", ".j2"}):
        digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    # By name: the root package is above this floor of the house, and only its number is wanted.
    return f"{importlib.import_module('sim').__version__}+{digest.hexdigest()[:16]}"


def library_versions() -> dict[str, str]:
    """Versions of Python, the kind of processor and the libraries that touch the numbers."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def new_manifest(
    *,
    scenario_hash: str,
    world_hash: str,
    seed: int,
    report_from: str,
    report_to: str,
    lenders: Iterable[str],
    plug_ins: Mapping[str, str] | None = None,
    provenance: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the manifest of a run about to start.

    Parameters
    ----------
    scenario_hash, world_hash
        Hash of the resolved scenario, and of it without lenders and institutions.
    report_from, report_to
        The report window, ISO dates, both inclusive.
    plug_ins
        Hash of the source of each user policy, by ``module:Class``.
    provenance
        Where each value of the scenario came from, by dotted path.
    more
        Anything else worth keeping that JSON can hold.
    """
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "status": "unfinished",
        "scenario_hash": scenario_hash,
        "world_hash": world_hash,
        "seed": seed,
        "code_version": code_version(),
        "plug_ins": dict(plug_ins or {}),
        "libraries": library_versions(),
        "report_from": report_from,
        "report_to": report_to,
        "lenders": list(lenders),
        "provenance": dict(provenance or {}),
        **more,
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a finished run and check it against its own hash."""
    manifest = read_json(folder / MANIFEST)
    if manifest.pop("manifest_sha256", None) != manifest_hash(manifest):
        raise StoreError(f"{folder / MANIFEST}: was changed after the run (its own hash does not fit)")
    return manifest


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Hash of a manifest without its own hash; the same before writing and after reading."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON will give back of it: dates as text, tuples as lists, keys as text."""
    plain: dict[str, Any] = json.loads(json.dumps(content, default=str, allow_nan=False))
    return plain


def differences(kept: Mapping[str, Any], wanted: Mapping[str, Any], parts: Iterable[str]) -> list[str]:
    """Return in which `parts` two manifests differ, each as ``seed: 7 there, 8 here``."""
    told = {"scenario_hash": "scenario", "code_version": "version of the code", "plug_ins": "user policies"}
    found = []
    for part in parts:
        there, here = kept.get(part), wanted.get(part)
        if isinstance(there, dict) and isinstance(here, dict):
            names = sorted(name for name in {*there, *here} if there.get(name) != here.get(name))
            there, here = ({name: side.get(name) for name in names} for side in (there, here))
        if there != here:
            found.append(f"{told.get(part, part)}: {there} there, {here} here")
    return found
