"""Spells of a shop: it rests for some days, or one of its products is hot.

A spell is a whole number of days left: below zero of a rest, above zero of a hot product, 0 of neither. One uniform a
day tells whether one begins and how long it lasts: the end of its range that no leaving uses.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from sim.core.clock import FIRST_YEAR, LAST_YEAR, festivals
from sim.core.kernels import Scalar, exp32, floor, log32, rule
from sim.world.decisions import Spells

_F = np.float32
LONGEST = 120  # days; assumption
CLOSES_BEFORE, LEAST_FESTIVAL, MORE_FESTIVAL = 4, 7, 4  # days: before the festival, least rest, mean beyond; assumption


@rule
def rest_chance(orders_mean: Scalar, chance: Scalar, exponent: Scalar) -> Scalar:
    """Chance to begin a rest tonight: falls with orders a day."""
    return chance * exp32(-exponent * log32(orders_mean + _F(1)))


@rule
def spell_length(place: Scalar, least: Scalar, more: Scalar) -> Scalar:
    """Whole days of a spell, ``least`` and an exponential time of mean ``more``; ``place`` is uniform on (0, 1)."""
    days = least + floor(-more * log32(place))
    return days if days < _F(LONGEST) else _F(LONGEST)


@rule
def new_spell(
    u: Scalar, rest: Scalar, rest_least: Scalar, rest_more: Scalar, hot: Scalar, hot_more: Scalar
) -> Scalar:
    """The spell that begins tonight, in days: a rest (below zero), a hot product (above), or none (0).

    With ``w = 1 - u``: a rest where w is below its chance, a hot product where it is within the next ``hot``.
    """
    w = _F(1) - u
    if w < rest:
        return -spell_length(w / rest, rest_least, rest_more)
    beyond = w - rest
    if beyond < hot:
        return spell_length((beyond + _F(1e-7)) / (hot + _F(1e-7)), _F(1), hot_more)
    return _F(0)


@rule
def spell_factor(spell: Scalar, hot_lift: Scalar) -> Scalar:
    """Factor on a shop's demand: nothing at rest, ``hot_lift`` with a hot product."""
    hot = hot_lift if spell > _F(0) else _F(1)
    return hot if spell >= _F(0) else _F(0)


def rest_of_tonight(p: Spells, day: date) -> tuple[float, float, float]:
    """Chance that a shop without orders begins to rest on the evening of the day, its least days, mean days beyond."""
    later = day + timedelta(days=CLOSES_BEFORE)
    if FIRST_YEAR <= later.year <= LAST_YEAR and festivals(later.year)["spring_festival"] == later:
        return p.festival, LEAST_FESTIVAL, MORE_FESTIVAL
    return p.rest, 1, p.rest_days - 1
