"""Spells of a shop: it rests for some days, or one of its products is hot.

A spell is a whole number of days left: below zero of a rest, above zero of a hot product, 0 of neither. One uniform a
day tells whether one begins and how long it lasts: the end of its range that no leaving uses.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import FIRST_YEAR, LAST_YEAR, festivals
from sim.core.kernels import Scalar, exp32, floor, log32, rule
from sim.world.decisions import Spells

_F = np.float32
Floats = npt.NDArray[np.float64]
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


def share_at_rest(p: Spells, orders: Floats) -> Floats:
    """Share of days on which shops with so many orders a day, (n,), rest once they have settled."""
    days = p.rest * draws.exp(-p.orders_exponent * draws.log(orders + 1.0)) * mean_days(p.rest_days)
    return np.asarray(days / (1.0 + days + p.hot * mean_days(p.hot_days)))


def mean_days(days: float) -> float:
    """Mean of 1 and the whole days of an exponential time of mean ``days`` - 1."""
    if days <= 1:
        return 1.0
    left = float(draws.exp(-1.0 / (days - 1.0)))
    return 1.0 + left / (1.0 - left)


def ongoing_spells(p: Spells, at_rest: Floats, u: Floats, v: Floats) -> npt.NDArray[np.int8]:
    """Days left of the spells in which shops begin, (n,): as they are on any day, for uniforms ``u`` and ``v`` (n,).

    Whole days beyond the first are geometric, so that those left are spread like those of a new spell.
    """
    hot = p.hot * mean_days(p.hot_days) * (1.0 - at_rest)
    days = [np.minimum(1.0 + np.floor(-(mean - 1.0) * draws.log(v)), LONGEST) for mean in (p.rest_days, p.hot_days)]
    return np.select([u < at_rest, u < at_rest + hot], [-days[0], days[1]], 0.0).astype(np.int8)


def rest_of_tonight(p: Spells, day: date) -> tuple[float, float, float]:
    """Chance that a shop without orders begins to rest on the evening of the day, its least days, mean days beyond."""
    later = day + timedelta(days=CLOSES_BEFORE)
    if FIRST_YEAR <= later.year <= LAST_YEAR and festivals(later.year)["spring_festival"] == later:
        return p.festival, LEAST_FESTIVAL, MORE_FESTIVAL
    return p.rest, 1, p.rest_days - 1
