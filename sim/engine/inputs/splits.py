"""Splits of the market between lenders in a trial: what overlaps, and what is left to nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.lenders.parameters import LenderSpec


def remarks_on_splits(lenders: Mapping[str, LenderSpec]) -> Iterator[str]:
    """Yield where parts of one split overlap, and where nobody shows itself: both are legal, neither is a plain trial.

    Parts are those of the beginning; a lender without an audience shows itself to everybody.
    """
    parts: dict[str, list[tuple[float, float, str]]] = {}
    for name, spec in lenders.items():
        if spec.audience is not None:
            parts.setdefault(spec.audience.split, []).append((spec.audience.at_least, spec.audience.below, name))
    for split, members in parts.items():
        yield from _remarks(split, sorted(members))


def _remarks(split: str, parts: list[tuple[float, float, str]]) -> Iterator[str]:
    end, last = 0.0, ""
    for at_least, below, name in parts:
        if at_least > end:
            yield f"split {split}: no lender of it shows itself to the part from {end:g} to {at_least:g}"
        elif at_least < end:
            shared = min(end, below)
            yield f"split {split}: {last} and {name} both show themselves to the part from {at_least:g} to {shared:g}"
        if below >= end:
            end, last = below, name
    if end < 1.0:
        yield f"split {split}: no lender of it shows itself to the part from {end:g} to 1"
