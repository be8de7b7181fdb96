"""The outlook of a run: every factor on demand that is the same for all shops of a category, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import day_number
from sim.world.parameters import MerchantParameters
from sim.world.promotions import (
    after_effect,
    eve,
    largest_ahead,
    lift_by_day,
    lift_of_those_who_join,
    lift_to_stock_for,
    run_up,
)
from sim.world.season import ahead, behind, season_table
from sim.world.shocks import common_shocks, distrust, margin_kept, market_move, slump

LOOK_BACK, LOOK_AHEAD = 100, 60  # days of calendar before and after a run that windows need
Factors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Outlook:
    """Factors by day of the run; the first axis is the day index, the second (where there is one) the category."""

    demand: Factors  # season, weekday, festivals, common shocks and slumps
    season_ahead: Factors  # mean seasonal factor of the coming weeks, as shops expect it
    season_index: Factors  # mean seasonal factor of the last 30 days
    season_index_90d: Factors  # the same over 90 days
    lift: Factors  # lift, for a shop of mean fit that takes part, of the day's promotions; below one after them
    lift_ahead: Factors  # sum of (lift - 1) to hold stock for
    largest_ahead: Factors  # lift - 1 of the largest promotion to prepare for
    eve: Factors  # lift - 1 of the promotion that begins tomorrow
    run_up: Factors  # what is advertised more for promotions, over the usual
    trust: Factors  # (n_days,): factor on how many think of borrowing
    rival: Factors  # (n_days,): share of sales on the platform that shops make on a rival one instead
    margin: Factors  # (n_days,): share of the margins they were born with that shops still have

    @property
    def ahead(self) -> tuple[Factors, Factors, Factors, Factors]:
        """What shops plan by: the season of the coming weeks, and the promotions."""
        return self.season_ahead, self.lift_ahead, self.largest_ahead, self.eve


def build_outlook(
    p: MerchantParameters,
    seed: int,
    start: date,
    n_days: int,
    promotions: list[tuple[date, int, float, str | None]],
    slumps: list[tuple[date, int, float, str | None]],
    rumours: Sequence[tuple[date, int, float]] = (),
    rivals: Sequence[tuple[date, int, float]] = (),
    shifts: Sequence[tuple[date, float]] = (),
    moves: Sequence[tuple[date, int, float]] = (),
) -> Outlook:
    """Lay out the factors of a run.

    Parameters
    ----------
    promotions : list of (first day, days, lift of all shops together, category or None for all)
    slumps : list of (first day, days, share of demand lost, category or None for all)
    rumours : sequence of (first day, days, share of those who think of borrowing that do not)
    rivals : sequence of (first day, days, share of orders drawn away by a rival marketplace)
    shifts : sequence of (first day, share of every margin that is gone from then on)
    moves : sequence of (first day, days, factor on demand that is reached within them, and stays)
    """
    categories = list(p.categories.values())
    names = list(p.categories)
    table = season_table(start - timedelta(days=LOOK_BACK), LOOK_BACK + n_days + LOOK_AHEAD, categories, p.season)
    inside = slice(LOOK_BACK, LOOK_BACK + n_days)
    horizon = p.trade.lead + p.trade.cover

    shocks = common_shocks(p.demand, seed, day_number(start), n_days, len(categories))
    for first, length, size, category in slumps:
        factor = slump(n_days, (first - start).days, length, size)
        columns: Any = slice(None) if category is None else names.index(category)
        shocks[:, columns] *= factor[:, None] if category is None else factor
    trust, stays, kept = np.ones(n_days), np.ones(n_days), np.ones(n_days)
    for first, length, size in rumours:
        trust *= distrust(n_days, (first - start).days, length, size)
    for first, length, size in rivals:
        stays *= slump(n_days, (first - start).days, length, size)
    for first, size in shifts:
        kept *= margin_kept(n_days, (first - start).days, size)
    for first, length, size in moves:
        shocks *= market_move(n_days, (first - start).days, length, size)[:, None]
    served = p.elsewhere.multihome * (1.0 - stays)  # of all orders there were: by the same shops, on the rival
    shocks *= (stays + served)[:, None]
    own = {size: lift_of_those_who_join(size, p) for _, _, size, _ in promotions}
    days = LOOK_AHEAD + n_days
    lift = lift_by_day(
        days,
        len(categories),
        [
            ((first - start).days, length, own[size], None if category is None else names.index(category))
            for first, length, size, category in promotions
        ],
    )
    return Outlook(
        demand=(table[inside] * shocks).astype(np.float32),
        season_ahead=ahead(table, horizon)[inside],
        season_index=behind(table, 30)[inside],
        season_index_90d=behind(table, 90)[inside],
        trust=trust.astype(np.float32),
        margin=kept.astype(np.float32),
        rival=(served / np.maximum(stays + served, 1e-9)).astype(np.float32),
        lift=after_effect(lift, p.promotions.brought_forward, p.promotions.missing_for)[:n_days],
        lift_ahead=lift_to_stock_for(lift)[:n_days],
        largest_ahead=largest_ahead(lift)[:n_days],
        eve=eve(lift)[:n_days],
        run_up=(p.advertising.run_up * run_up(lift, p.advertising.before)[:n_days]).astype(np.float32),
    )
