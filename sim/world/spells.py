"""Spells of a shop: it rests for some days, or one of its products is hot.

A spell is a whole number of days left: below zero of a rest, above zero of a hot product, 0 of neither. One uniform a
day tells whether one begins and how long it lasts: the end of its range that no leaving uses.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import FIRST_YEAR, LAST_YEAR, festivals
from sim.core.kernels import Scalar, exp32, floor, log32, rule
from sim.world.decisions import Spells

_F = np.float32
Floats = npt.NDArray[np.float64]
LONGEST = 120  # days; assumption
CLOSES_BEFORE, LEAST_FESTIVAL = 4, 7  # days: before the festival, least rest; assumption
MOST_PRONE = 30.0  # times the usual chance of a spell that the most prone shop has; assumption


@rule
def rest_chance(orders_mean: Scalar, chance: Scalar, exponent: Scalar) -> Scalar:
    """Chance to begin a rest tonight: falls with orders a day."""
    return chance * exp32(-exponent * log32(orders_mean + _F(1)))


@rule
def proneness(z: Scalar, sigma: Scalar) -> Scalar:
    """Factor on a shop's chance of a spell, lognormal of mean one, at most `MOST_PRONE`; ``z`` is the shop's normal."""
    factor = exp32(sigma * (z - sigma * _F(0.5)))
    return factor if factor < _F(MOST_PRONE) else _F(MOST_PRONE)


@rule
def rest_of_youth(age: Scalar, chance: Scalar, days: Scalar) -> Scalar:
    """Chance that a shop ``age`` days old rests again, beyond the usual: it fades with ``days``."""
    return chance * exp32(-age / days)


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
def spell_factor(spell: Scalar, hot_lift: Scalar, rest_level: Scalar) -> Scalar:
    """Factor on a shop's demand: ``rest_level`` at rest, ``hot_lift`` with a hot product."""
    hot = hot_lift if spell > _F(0) else _F(1)
    return hot if spell >= _F(0) else rest_level


def share_at_rest(p: Spells, orders: Floats, rests: Floats | float = 1.0, hots: Floats | float = 1.0) -> Floats:
    """Share of days on which shops with so many orders a day, (n,), rest once they have settled.

    ``rests`` and ``hots``, (n,) or one for all, are how prone they are to rests and to hot products.
    """
    days = p.rest * draws.exp(-p.orders_exponent * draws.log(orders + 1.0)) * mean_days(p.rest_days) * rests
    return np.asarray(days / (1.0 + days + p.hot * mean_days(p.hot_days) * hots))


def proneness_of(p: Spells, seed: int, ids: npt.NDArray[Any]) -> tuple[Floats | float, Floats | float]:
    """How much more often than others of their size shops rest, (n,), and have hot products, (n,); one for all alike.

    What `proneness` gives for their normals, which the compiled night draws under the same key.
    """

    def factor(sigma: float, k: int) -> Floats | float:
        if sigma == 0.0:
            return 1.0
        z = draws.normal(seed, "spell.proneness", draws.ONCE, ids, k)
        return np.minimum(draws.exp(sigma * (z - sigma / 2.0)), MOST_PRONE)

    return factor(p.rest_sigma, 0), factor(p.hot_sigma, 1)


def mean_days(days: float) -> float:
    """Mean of 1 and the whole days of an exponential time of mean ``days`` - 1."""
    if days <= 1:
        return 1.0
    left = float(draws.exp(-1.0 / (days - 1.0)))
    return 1.0 + left / (1.0 - left)


def ongoing_spells(
    p: Spells, at_rest: Floats, u: Floats, v: Floats, hots: Floats | float = 1.0
) -> npt.NDArray[np.int8]:
    """Days left of the spells in which shops begin, (n,): as they are on any day, for uniforms ``u`` and ``v`` (n,).

    Whole days beyond the first are geometric, so that those left are spread like those of a new spell.
    """
    hot = p.hot * mean_days(p.hot_days) * (1.0 - at_rest) * hots
    days = [np.minimum(1.0 + np.floor(-(mean - 1.0) * draws.log(v)), LONGEST) for mean in (p.rest_days, p.hot_days)]
    return np.select([u < at_rest, u < at_rest + hot], [-days[0], days[1]], 0.0).astype(np.int8)


def rest_of_tonight(p: Spells, day: date) -> tuple[float, float, float]:
    """Chance that a shop without orders begins to rest on the evening of the day, its least days, mean days beyond."""
    later = day + timedelta(days=CLOSES_BEFORE)
    if FIRST_YEAR <= later.year <= LAST_YEAR and festivals(later.year)["spring_festival"] == later:
        return p.festival, LEAST_FESTIVAL, p.festival_days - LEAST_FESTIVAL
    return p.rest, 1, p.rest_days - 1
