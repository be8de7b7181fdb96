"""Monitoring: what is watched after the money is paid out. Nothing, for now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class NoMonitoring:
    """No watching and no recall: a loan is looked at again when it falls due or at the next review."""

    kind: ClassVar[str] = "monitoring"
