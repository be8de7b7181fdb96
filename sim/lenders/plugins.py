"""The user's own policies of a run, by the hash of their source: a run of changed code is another run."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable
from pathlib import Path

from sim.lenders.parameters import LenderSpec
from sim.lenders.policy import ANSWERING, find_policy


def plug_in_hashes(lenders: Iterable[LenderSpec], folder: Path | None = None) -> dict[str, str]:
    """SHA-256 of the source file of every ``module:Class`` policy, by that name, dated changes included."""
    found: dict[str, str] = {}
    for lender in lenders:
        for _, spec in lender.versions():
            for kind in ANSWERING:
                name = getattr(spec, kind).policy
                if ":" in name:
                    source = inspect.getsourcefile(find_policy(kind, name, folder))
                    found[name] = hashlib.sha256(Path(str(source)).read_bytes()).hexdigest()
    return found
