"""Collection: what happens as a payment falls due and is not made. The engine reads the ladder; it asks it nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Ladder:
    """Steps by days past due, as ``collection.steps`` lists them; see `sim.lenders.collection_terms`.

    Penalty interest, late fees and write-off are terms of the lender, not of the ladder.
    """

    kind: ClassVar[str] = "collection"
