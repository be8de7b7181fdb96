"""How a shop's days differ from those of the market: weekdays, holidays, first weeks, days off.

A factor on demand for each shop and day, a pure function of seed, shop and day, so that nothing has to be kept. Where
no parameter asks for it there is none.

    weekday   1 + own_weekend a x (1 at the weekend, -0.2 on Fridays, else -0.45) + own_weekdays z[weekday]
    festival  1 + own_festival z (depth of the day's dip over that of the festival's own)
    holiday   lift + spread (LIKENESS a + sqrt(1 - LIKENESS^2) z)
    climb     exp(-depth exp(-age / climb_days)),    depth exponential of mean `climb`
    hot       exp(hot_lift_sigma z - hot_lift_sigma^2 / 2) while a product is hot, z of that product
    day off   0 with the chance `day_off`, uniform from 0 to `MOST_SLACK` with the chance `slack`

a and z are standard normals of the shop: a is its leaning to the weekend, which tells much of its holidays. The first
three are held above `LEAST`; the weekdays are divided by the mean of the shop's seven.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import day_number
from sim.core.merchants import Merchants
from sim.world.parameters import MerchantParameters
from sim.world.season import festival_depth

LEAST = 0.02  # factor of the day that suits a shop least; assumption
LEANINGS = (-0.45, -0.45, -0.45, -0.45, -0.2, 1.0, 1.0)  # of Monday to Sunday: Fridays are half way (data summaries)
MOST_SLACK = 0.3  # of its usual demand that a shop has on a slack day; assumption
LIKENESS = 0.7  # correlation of holiday and weekend over shops: 0.5 to 0.7 of offline shops (data summaries)
WEEKEND, WEEKDAYS, FESTIVAL, CLIMB = 0, 1, 8, 9  # draws of the stream, weekdays from 1 to 7
Factors = npt.NDArray[np.float32]
Holiday = tuple[date, int, float, float]  # first day, days, factor of the usual shop, spread between shops


@dataclass(frozen=True)
class OwnDays:
    """What makes the days of shops their own; ``ids`` are those of all merchants, (n,)."""

    p: MerchantParameters
    seed: int
    ids: npt.NDArray[Any]
    holidays: Sequence[Holiday] = ()

    @property
    def is_on(self) -> bool:
        """Whether any shop's days differ from those of the market."""
        s, spells = self.p.season, self.p.spells
        own = (s.own_weekend, s.own_weekdays, s.own_festival, self.p.entrants.climb, spells.hot_lift_sigma)
        return bool(self.holidays) or max(*own, spells.day_off, spells.slack) > 0.0

    def factors(self, day: date, m: Merchants) -> Factors:
        """Factor of each shop on a day, (n,), by when it opened and its spell. Empty where none is asked for."""
        if not self.is_on:
            return np.zeros(0, np.float32)
        found = np.ones(self.ids.size, np.float32)
        season, entrants, spells = self.p.season, self.p.entrants, self.p.spells
        if season.own_weekend or season.own_weekdays:
            found *= self._week[day.weekday()]
        depth = festival_depth(day, season) if season.own_festival else 0.0
        if depth > 0.0:
            found *= _held(np.float32(1) + np.float32(season.own_festival * depth) * self._normal(FESTIVAL))
        for first, days, lift, spread in self.holidays:
            if 0 <= (day - first).days < days:
                own = draws.normal(self.seed, "event.holiday", day_number(first), self.ids)
                like = LIKENESS * self._leaning + math.sqrt(1.0 - LIKENESS**2) * own
                found *= _held((lift + spread * like).astype(np.float32))
        if entrants.climb:
            age = np.maximum(day_number(day) - m.opened_day.astype(np.float64), 0.0)
            found *= draws.exp(-self._depth * draws.exp(-age / entrants.climb_days)).astype(np.float32)
        if spells.hot_lift_sigma:
            self._heighten(found, m.spell, day_number(day))
        if spells.day_off or spells.slack:
            luck = draws.uniform(self.seed, "spell.day_off", day_number(day), self.ids)
            found[luck < spells.day_off] = 0.0
            is_slack = (luck >= spells.day_off) & (luck < spells.day_off + spells.slack)
            found[is_slack] *= (MOST_SLACK * (luck[is_slack] - spells.day_off) / spells.slack).astype(np.float32)
        return found

    def _heighten(self, found: Factors, spell: npt.NDArray[Any], today: int) -> None:
        """Let hot products differ: a lognormal factor of mean one, drawn by the shop and the last day of the spell."""
        sigma = self.p.spells.hot_lift_sigma
        for left in np.unique(spell[spell > 0]).tolist():
            rows = np.flatnonzero(spell == left)
            z = draws.normal(self.seed, "spell.height", today + left, self.ids[rows])
            found[rows] *= draws.exp(sigma * (z - sigma / 2.0)).astype(np.float32)

    @cached_property
    def _leaning(self) -> Factors:
        """Each shop's leaning to the weekend, (n,)."""
        return self._normal(WEEKEND)

    @cached_property
    def _week(self) -> Factors:
        """Factors of Monday to Sunday, (7, n)."""
        season = self.p.season
        week = np.ones((7, self.ids.size), np.float32)
        for k in range(7):
            week[k] += np.float32(season.own_weekend * LEANINGS[k]) * self._leaning
            if season.own_weekdays:
                week[k] += np.float32(season.own_weekdays) * self._normal(WEEKDAYS + k)
        week = _held(week)
        return np.asarray(week / np.average(week, axis=0, weights=season.weekdays).astype(np.float32), np.float32)

    @cached_property
    def _depth(self) -> Factors:
        """How far below its size each shop opens, in logs, (n,)."""
        luck = draws.uniform(self.seed, "birth.rhythm", draws.ONCE, self.ids, CLIMB)
        return (-self.p.entrants.climb * draws.log(luck)).astype(np.float32)

    def _normal(self, k: int) -> Factors:
        return draws.normal(self.seed, "birth.rhythm", draws.ONCE, self.ids, 100 + k).astype(np.float32)


def _held(factor: Factors) -> Factors:
    """A factor held above the least."""
    return np.maximum(factor, np.float32(LEAST)).astype(np.float32)
