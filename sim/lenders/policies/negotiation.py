"""Negotiation: what is agreed with a merchant that cannot pay as agreed. Nothing, for now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class NoNegotiation:
    """No relief: the contract stands until it is paid or written off (facts A.1.3, 004: the missing policy)."""

    kind: ClassVar[str] = "negotiation"
