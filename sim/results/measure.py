"""What a measure is: name, unit, formula and source beside the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.core.money import FEN_PER_YUAN
from sim.results.ledger import Ledger

Value = float | int | None


@dataclass(frozen=True)
class Measure:
    """One measure: what it is called, what it means, how it is computed and where the definition comes from."""

    name: str
    label: str
    unit: str
    group: str
    formula: str
    source: str
    function: Callable[[Ledger], Value]
    #: True if only loans watched long enough count: the youngest loans are left out of both sides of the fraction.
    matured: bool = False

    def __call__(self, ledger: Ledger) -> Value:
        """Return the measure for one lender's ledger; None if it is undefined."""
        if ledger.n_days == 0 or (not ledger.lender and self.group != "merchants"):
            return None
        return self.function(ledger)


def yuan(fen: float) -> float:
    """Return fen as yuan."""
    return fen / FEN_PER_YUAN
