"""What varies in a study: one key of the scenario, over written values or within a range."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sim.engine.inputs.text import shown

_DIGITS = 5  # of a range's span (in logarithms, of the number) that are kept: what a person may read and write again
_EDGE = 1e-12  # as near to an end of the unit interval is the end
# Decimals that a scenario takes: a rate is a whole number of ppm a year, money a whole number of fen.
_DECIMALS = ((r"%\s*/.*", 4), (r"(yuan|元)", 2), (r"k\s*(yuan|元)", 5), (r"(days?|months?|years?|fen|分)", 0))
_NUMBER = re.compile(r"([+-]?[0-9][0-9,]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*((?:%|[^\W\d_]).*)?")


@dataclass(frozen=True)
class Factor:
    """One key of the scenario that a study varies: over written values, or within a range.

    Attributes
    ----------
    name
        Short, fit for folders and columns.
    key
        Dotted key of the scenario.
    side
        ``world`` for what nobody chooses, ``lever`` for what a lender does.
    values
        Written values in order (numbers with a unit stay text: ``0.05 %/day``); empty for a range.
    low, high
        Ends of a range, both included.
    unit
        Written behind a number of a range: `` %/day``.
    is_whole
        Only whole numbers of the range.
    is_log
        The range is spread evenly in logarithms.

    Raises
    ------
    ValueError
        If there are neither values nor a range, or both, a value stands twice, or the range is none.
    """

    name: str
    key: str
    side: Literal["world", "lever"]
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    is_whole: bool = False
    is_log: bool = False

    def __post_init__(self) -> None:
        if bool(self.values) == (self.low is not None and self.high is not None):
            found = "both values and a range" if self.values else "neither values nor a range"
            raise ValueError(f"{self.name}: {found}; give values, or low and high")
        if self.values:
            marks = [repr(value) for value in self.values]
            twice = next((mark for mark in marks if marks.count(mark) > 1), None)
            if twice is not None:
                raise ValueError(f"{self.name}: the value {twice} stands twice; each value once")
            return
        low, high = self.ends
        if not low < high:
            raise ValueError(f"{self.name}: {low:g} is not below {high:g}; low is the smaller end of a range")
        if self.is_log and low <= 0:
            raise ValueError(f"{self.name}: {low:g} has no logarithm; a range in logarithms begins above 0")
        if self.is_whole and math.ceil(low) > math.floor(high):
            raise ValueError(f"{self.name}: no whole number lies in {low:g} to {high:g}; widen the range")

    @property
    def ends(self) -> tuple[float, float]:
        """The two ends of the range."""
        if self.low is None or self.high is None:
            raise ValueError(f"{self.name}: has values and no range; low and high make one")
        return float(self.low), float(self.high)

    @property
    def n_values(self) -> int | None:
        """How many values there are to take; None for a range of numbers that need not be whole."""
        if self.values:
            return len(self.values)
        return math.floor(self.ends[1]) - math.ceil(self.ends[0]) + 1 if self.is_whole else None

    def at(self, u: float) -> Any:
        """Return the written value at ``u``, 0 to 1: of a range, or the value whose equal part ``u`` falls in."""
        u = min(max(u, 0.0), 1.0)
        if self.values:
            return self.values[min(int(u * len(self.values) + 1e-9), len(self.values) - 1)]
        low, high = self.ends
        if self.is_whole:
            low, high = float(math.ceil(low)), float(math.floor(high))
            return self._written(min(float(math.floor(self._between(low, high + 1, u) + 1e-9)), high))
        if u < _EDGE or u > 1 - _EDGE:
            return self._written(low if u < _EDGE else high)
        number = self._between(low, high, u)
        decimals = _DIGITS - 1 - math.floor(math.log10(number if self.is_log else high - low))
        return self._written(min(max(round(number, min(decimals, _decimals(self.unit))), low), high))

    def number(self, written: Any) -> float:
        """Return a number to draw and to regress with: the number before the unit, else the place of the value.

        Raises
        ------
        ValueError
            If it is no value of this factor.
        """
        found, unit = _split(written)
        if not self.values:
            if found is None or unit != self.unit.strip():
                like = self._written(self.ends[0])
                raise ValueError(f"{self.name}: {shown(written)} is no number of its range; write it as {like}")
            return found
        parts = [_split(value) for value in self.values]
        if found is not None and all(number is not None and own == unit for number, own in parts):
            return found
        marks = [repr(value) for value in self.values]
        if repr(written) not in marks:
            allowed = ", ".join(map(str, self.values))
            raise ValueError(f"{self.name}: {shown(written)} is none of its values; allowed: {shown(allowed, 200)}")
        return float(marks.index(repr(written)))

    @property
    def extremes(self) -> tuple[Any, ...]:
        """What a tornado tries: both ends of numbers, in order, and every one of values that are no numbers."""
        if not self.values:
            return self.at(0.0), self.at(1.0)
        if any(_split(value)[0] is None for value in self.values) or len({_split(v)[1] for v in self.values}) > 1:
            return self.values
        ordered = sorted(self.values, key=self.number)
        return (ordered[0], ordered[-1]) if len(ordered) > 1 else (ordered[0],)

    def _between(self, low: float, high: float, u: float) -> float:
        return low * (high / low) ** u if self.is_log else low + u * (high - low)

    def _written(self, number: float) -> Any:
        if not self.unit:
            return int(number) if self.is_whole else float(number)
        plain = format(Decimal(repr(float(number))), "f")
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain) + self.unit


def _split(written: Any) -> tuple[float | None, str]:
    """The number and the unit of a written value; None where it does not begin with a number."""
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        return None, ""
    if not isinstance(written, str):
        return float(written), ""
    match = _NUMBER.fullmatch(written.strip())
    return (float(match[1].replace(",", "")), (match[2] or "").strip()) if match else (None, "")


def _decimals(unit: str) -> int:
    found = (decimals for pattern, decimals in _DECIMALS if re.fullmatch(pattern, unit.strip(), re.IGNORECASE))
    return next(found, 15)
