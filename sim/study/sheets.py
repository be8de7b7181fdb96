"""A table for people out of plain rows: values in their unit, each with its interval in one cell, the rest left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.results.headline import say
from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.findings import Sheet

# In which column of a row a bare ``low`` and ``high`` belong, the first that is there.
_MAIN = ("difference", "mu_star", "mean", "value")
# Values in the unit of the row's measure.
_IN_UNIT = ("base", "mean", "difference", "mu", "mu_star", "sigma")
# What the table leaves to the rows.
_LEFT_OUT = ("n_seeds", "noise", "noise_share", "luck_share", "world_mu_star", "world_low", "world_high", "mu")


def sheet_of(rows: Sequence[Mapping[str, Any]]) -> Sheet | None:
    """Lay plain rows out as a table; None where there are none.

    ``x_low`` and ``x_high`` stand in the cell of ``x``, ``low`` and ``high`` in that of the row's main value.
    """
    if not rows:
        return None
    keys = list(dict.fromkeys(key for row in rows for key in row))
    main = next((key for key in _MAIN if key in keys), "")
    ends = {key: _ends(key, main, keys) for key in keys}
    taken = {end for pair in ends.values() if pair for end in pair}
    shown = [key for key in keys if key not in taken and key not in _LEFT_OUT and not key.endswith("_apart")]
    lines = tuple(tuple(_cell(row, key, ends[key]) for key in shown) for row in rows)
    numbers = [k for k, key in enumerate(shown) if all(not isinstance(row.get(key), str) for row in rows)]
    heads = tuple(BY_NAME[key].label if key in BY_NAME else key.replace("_", " ") for key in shown)
    return Sheet(heads, lines, tuple(numbers))


def _ends(key: str, main: str, keys: Sequence[str]) -> tuple[str, str] | None:
    own = (f"{key}_low", f"{key}_high")
    if own[0] in keys and own[1] in keys:
        return own
    return ("low", "high") if key == main and "low" in keys and "high" in keys else None


def _cell(row: Mapping[str, Any], key: str, ends: tuple[str, str] | None) -> str:
    value = row.get(key)
    measure = BY_NAME.get(key) or (BY_NAME.get(str(row.get("measure"))) if key in _IN_UNIT else None)
    text = _said(value, measure)
    if ends is None or row.get(ends[0]) is None or row.get(ends[1]) is None:
        return text
    return f"{text} [{bare(row[ends[0]], measure)}, {bare(row[ends[1]], measure)}]"


def _said(value: Any, measure: Measure | None) -> str:
    if value is None:
        return ""
    if measure is not None and isinstance(value, int | float):
        return say(measure, value)
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def bare(value: Any, measure: Measure | None) -> str:
    """A value without its unit, which stands before it already."""
    text = _said(value, measure)
    return text if measure is None else text.removesuffix(" a year").removesuffix(" %").removesuffix(f" {measure.unit}")
