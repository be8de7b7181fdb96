"""The birth of merchants: traits drawn once, and the state in which a shop begins.

All draws are keyed by the merchant's id alone, so that more merchants change nobody. Shops begin in the state they
would have settled into, so that the first month is no artefact.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.merchants import FRAUDSTER, HONEST, OPEN, OPPORTUNIST, WAITING, Merchants
from sim.world.cash import LEAST_STOCK
from sim.world.parameters import Institutions, MerchantParameters, OutsideMoney
from sim.world.promotions import MEANS_TO, MOST_FIT, TAKES_PART, who_it_pays
from sim.world.sales import MISSED, RATED, stage_days
from sim.world.spells import ongoing_spells, proneness_of, share_at_rest
from sim.world.wash import HABIT

NEVER = 2**15 - 1  # day number far beyond the last tabled year
LEAST_PATIENCE = 0.55  # with less of its own capital a shop could not turn over its stock; assumption
OUTSIDE_USED = 0.7  # share of the outside money they can get that short shops owe at the start; settled value
IDLE_KEPT = 0.85  # share of spare capital that lies in the wallet at the start; settled value
LEAST_SHELF = 0.15  # share of its cover that the shortest shop has on its shelves at the start; settled value
STOCK_KEPT = 0.9  # share of the wanted goods that lies on the shelves at the start; settled value
STOCK_SPREAD = 0.8  # of the log of what lies on the shelves at the start; settled value
FloatArray = npt.NDArray[np.float64]


_CELLS = 20_000  # cells of the grid on which each half of a Beta distribution is summed


def beta_quantiles(a: float, mean: float, u: FloatArray) -> FloatArray:
    """Quantiles of a Beta distribution with first shape ``a`` and the given mean, without libm.

    Each half of (0, 1) is summed on a grid of its own, counted from its end: x = t^(1/a) and 1 - x = s^(1/b) take the
    singularities of small shapes away.
    """
    if not 0.0 < mean < 1.0:
        return np.full_like(u, mean)
    b = a * (1.0 - mean) / mean
    (step_0, edges_0, logs_0), (step_1, edges_1, logs_1) = _beta_half(a, b), _beta_half(b, a)
    top = max(logs_0.max(), logs_1.max())
    sums_0, sums_1 = (np.concatenate(([0.0], np.cumsum(draws.exp(logs - top)))) for logs in (logs_0, logs_1))
    low, high = sums_0[-1] * step_0, sums_1[-1] * step_1
    mass = u * (low + high)
    from_zero = _beta_end(np.interp(mass / step_0, sums_0, edges_0), a)
    from_one = _beta_end(np.interp((low + high - mass) / step_1, sums_1, edges_1), b)
    return np.where(mass < low, from_zero, 1.0 - from_one)


def _beta_half(shape: float, other: float) -> tuple[float, FloatArray, FloatArray]:
    """Grid of t = x^power for x in (0, 1/2): its step, its edges, and the log of the density of t in its cells."""
    power = min(shape, 1.0)
    edges = np.linspace(0.0, float(draws.exp(-power * draws.log(2.0))), _CELLS + 1, dtype=np.float64)
    log_x = draws.log((edges[1:] + edges[:-1]) / 2.0) / power
    logs = (shape - power) * log_x + (other - 1.0) * draws.log(1.0 - draws.exp(log_x))
    return float(edges[1]) / power, edges, logs


def _beta_end(t: FloatArray, shape: float) -> FloatArray:
    return draws.exp(draws.log(np.maximum(t, 1e-300)) / min(shape, 1.0))


def skewed(z: FloatArray, u: FloatArray, skew: float) -> FloatArray:
    """Numbers of mean 0 and deviation 1, (n,): normals with an exponential mixed in; ``u`` are uniforms.

    sqrt(1 - skew^2) z + skew (e - 1), of third moment 2 skew^3.
    """
    return math.sqrt(1.0 - skew * skew) * z + skew * (-draws.log(u) - 1.0)


def _entry_days(p: MerchantParameters, u: FloatArray, start: int) -> npt.NDArray[np.int16]:
    """Day of entry: the first day for the share that is there, then in waves over ``entry.over``."""
    present, waves = p.entry.present, p.entry.waves
    late = (u - present) / max(1.0 - present, 1e-12)
    if len(waves) > 1:
        sums = np.concatenate(([0.0], np.cumsum(waves)))
        late = np.minimum(np.interp(late, sums / sums[-1], np.linspace(0.0, 1.0, sums.size)), 1.0 - 1e-9)
    return np.where(u < present, start, start + 1 + np.floor(late * p.entry.over)).astype(np.int16)


BIRTHS = 1 << 16  # merchants that are born together, so that draws need little memory


def draw_traits(merchants: Merchants, p: MerchantParameters, institutions: Institutions, seed: int, start: int) -> None:
    """Write every trait column of ``merchants``, whose ids are 1 to n; ``start`` is the day number of the first day."""
    merchants.merchant_id[:] = np.arange(1, merchants.n + 1)
    for first in range(0, merchants.n, BIRTHS):
        _draw_traits(merchants.part(slice(first, first + BIRTHS)), p, institutions, seed, start)


def _draw_traits(m: Any, p: MerchantParameters, institutions: Institutions, seed: int, start: int) -> None:
    """The traits of the merchants of one part.

    Sizes: a lognormal body, and with probability ``tail_share`` a Pareto tail that begins
    1.6 standard deviations above the median (Taobao's shop sizes are top-heavy, facts B.4 V54).
    """
    ids = m.merchant_id

    def uniform(stream: str, k: int) -> FloatArray:
        return draws.uniform(seed, stream, draws.ONCE, ids, k)

    def normal(stream: str, k: int) -> FloatArray:
        return draws.normal(seed, stream, draws.ONCE, ids, 100 + k)

    def spread(median: float, sigma: float, stream: str, k: int) -> FloatArray:
        return median * draws.exp(sigma * normal(stream, k))

    platform = institutions.platform
    b2b = max(0.0, 1.0 - platform.taobao - platform.tmall)
    m.platform[:] = draws.choice(seed, "birth.kind", draws.ONCE, ids, (platform.taobao, platform.tmall, b2b), 0)
    m.category[:] = draws.choice(seed, "birth.kind", draws.ONCE, ids, [c.share for c in p.categories.values()], 1)
    m.region[:] = np.floor(uniform("birth.kind", 2) * platform.regions)

    m.entry_day[:] = _entry_days(p, uniform("birth.entry", 0), start)
    age = np.where(m.entry_day == start, -p.entry.tenure * draws.log(uniform("birth.entry", 1)), 0.0)
    m.opened_day[:] = np.maximum(m.entry_day - np.floor(age), 1)

    t, s = p.trade, p.size
    z = normal("birth.size", 0)
    if s.upper != 1.0:
        z = np.where(z > 0.0, s.upper * z, z)
    body = s.median_daily_sales * draws.exp(s.sigma * z)
    edge = s.median_daily_sales * float(draws.exp(1.6 * s.sigma))
    tail = edge * draws.exp(-draws.log(uniform("birth.size", 1)) / s.tail_exponent)
    size = np.where(uniform("birth.size", 2) < s.tail_share, tail, body)
    size = np.minimum(size, float(s.largest_daily_sales))
    value = spread(float(t.order_value), t.order_value_sigma, "birth.trade", 0)
    if t.order_value_skew:
        z = skewed(normal("birth.trade", 0), uniform("birth.trade", 50), t.order_value_skew)
        value = float(t.order_value) * draws.exp(t.order_value_sigma * z)
    if t.order_value_slope:
        value = value * draws.exp(t.order_value_slope * draws.log(size / float(s.median_daily_sales)))
    m.order_value[:] = np.maximum(np.rint(value), 100.0)
    if s.measure == "orders":  # what they sell is what is born: the value of an order makes sales of it
        size = size / float(t.order_value) * m.order_value
    m.quality[:] = normal("birth.character", 0)
    # Good shops grow and get little back: the traces of quality that lenders can see.
    m.growth[:] = np.clip(t.growth + t.growth_spread * (0.8 * normal("birth.trade", 5) + 0.6 * m.quality), -0.9, 5.0)
    if t.growth_pivot:
        size = size / np.maximum(1.0 + m.growth * (t.growth_pivot / 365.0), 0.2)
    m.base_orders[:] = size / m.order_value

    m.margin[:] = np.clip(t.margin + t.margin_spread * normal("birth.trade", 1), 0.05, 0.9)
    fixed_share = np.clip(t.fixed_cost_share + t.fixed_cost_spread * normal("birth.trade", 2), 0.1, 1.2)
    m.fixed_cost[:] = np.floor(fixed_share * m.margin * size)
    m.lead_days[:] = np.clip(spread(t.lead, t.spread, "birth.trade", 3), 2.0, 120.0)
    m.cover_days[:] = np.clip(spread(t.cover, t.spread, "birth.trade", 4), 1.0, 365.0)
    m.return_rate[:] = np.clip(t.return_rate * draws.exp(0.3 * normal("birth.trade", 6) - 0.3 * m.quality), 0.0, 0.5)
    m.off_platform[:] = np.clip(-t.off_platform * draws.log(uniform("birth.trade", 7)), 0.0, 0.9)
    m.advertising[:] = np.clip(-t.advertising * draws.log(uniform("birth.trade", 8)), 0.0, 0.3)
    m.volatility[:] = np.clip(
        spread(p.demand.volatility, p.demand.volatility_sigma, "birth.trade", 9) * draws.exp(-0.1 * m.quality), 0.0, 2.0
    )
    sigma = p.demand.promotion_fit_sigma
    m.promotion_fit[:] = np.minimum(spread(1.0, sigma, "birth.trade", 10) * draws.exp(-0.5 * sigma * sigma), MOST_FIT)

    c = p.character
    u = uniform("birth.character", 1)
    m.integrity[:] = np.select([u < c.fraudsters, u < c.fraudsters + c.opportunists], [FRAUDSTER, OPPORTUNIST], HONEST)
    fraud = m.integrity == FRAUDSTER
    washes = (uniform("birth.character", 2) < c.washers) | fraud
    m.wash[:] = np.where(washes, np.clip(-c.wash_intensity * draws.log(uniform("birth.character", 3)), 0.0, 1.0), 0.0)
    strike = m.entry_day + 30 + np.floor(uniform("birth.character", 4) * c.fraud_delay)
    m.bust_day[:] = np.where(fraud, np.minimum(strike, NEVER), NEVER)
    m.kappa[:] = spread(1.0, 0.5, "birth.character", 5)

    w = p.borrowing
    m.habit[:] = beta_quantiles(w.habit_shape, w.habit_mean, uniform("birth.character", 6))
    m.bother[:] = spread(float(w.bother), w.spread, "birth.character", 7)
    m.price_sensitivity[:] = spread(w.price_sensitivity, w.spread, "birth.character", 8)
    # owners who like to borrow leave less of their own money in the shop
    own = spread(p.cash.patience, p.cash.patience_sigma, "birth.character", 9)
    m.patience[:] = np.maximum(own * (1.0 - w.reliance * np.minimum(m.habit * 2.0, 1.0)), LEAST_PATIENCE)


def begin_shops(
    merchants: Merchants,
    rows: npt.NDArray[np.intp],
    p: MerchantParameters,
    outside: OutsideMoney,
    seed: int,
    season: npt.NDArray[Any],
    lift: npt.NDArray[Any] | None = None,
    *,
    has_spells: bool = True,
) -> dict[str, int]:
    """Put the shops of ``rows`` into the state they would have settled into, and open them.

    A shop with enough capital holds its target stock; one without sells what its capital lets it turn over, so that
    its capital sits in goods on the way and in unconfirmed orders, and it already owes what it could get outside.

    Parameters
    ----------
    rows : ndarray of intp
        Rows of the shops that begin today.
    season : ndarray (n_categories,)
        Today's seasonal factor.
    lift : ndarray (n_categories,), optional
        Lift of a promotion that runs on the first day of the run: who it pays is part of it.
    has_spells : bool
        Whether shops may begin at rest, or with a hot product; not where a file says what they sell.

    Returns
    -------
    dict
        Opening totals in fen that come into the market with them: ``wallet``, ``shipped`` and ``outside_debt``.
    """
    if rows.size > BIRTHS:
        parts = [
            begin_shops(
                merchants, rows[first : first + BIRTHS], p, outside, seed, season, lift, has_spells=has_spells
            )
            for first in range(0, rows.size, BIRTHS)
        ]
        return {name: sum(part[name] for part in parts) for name in parts[0]}
    m = merchants
    confirmation = float(p.trade.confirmation)
    ids = m.merchant_id[rows]
    m.shock[rows] = draws.normal(seed, "birth.state", draws.ONCE, ids, 0)
    volatility = m.volatility[rows].astype(np.float64)
    level = draws.exp(volatility * (m.shock[rows] - volatility / 2.0))
    pace = m.base_orders[rows] * (0.5 + 0.5 * level)  # a forecast looks back over some weeks, so it lags the shock
    factor = season[m.category[rows]].astype(np.float64)
    margin = m.margin[rows].astype(np.float64)
    unit = m.order_value[rows] * (1.0 - margin)
    lead, cover = m.lead_days[rows].astype(np.float64), m.cover_days[rows].astype(np.float64)
    waiting = confirmation / (1.0 - margin)  # unconfirmed orders count at their price, goods at cost
    cycle = lead + waiting  # days of sales at cost that are tied up even with empty shelves

    # own capital, in days of sales at cost: what patience leaves in the shop, and earnings not yet taken out
    sales_value = np.maximum(m.base_orders[rows].astype(np.float64) * m.order_value[rows], 1.0)
    spoilt = m.return_rate[rows] * (1.0 - p.trade.restocked * (1.0 - margin))
    earned = margin - m.fixed_cost[rows] / sales_value - m.advertising[rows] - spoilt
    untaken = np.clip(earned / max(p.cash.owner_take, 0.005), 0.0, 30.0) / (1.0 - margin)
    capital = m.patience[rows] * (cycle + cover) + untaken
    gap = np.clip((cycle + cover - capital) / (lead + cover), 0.0, 1.0)
    worth = margin / (1.0 - margin) * gap / (lead + 0.5 * cover + confirmation)
    owes = worth > outside.rate.ppm_year / 365e6 * m.price_sensitivity[rows]
    debt = np.where(owes, OUTSIDE_USED * np.minimum(outside.cap, gap * (lead + cover)), 0.0)
    capital = capital + debt / (1.0 - margin)
    served = np.minimum(1.0, capital / cycle)
    in_stock = np.clip(capital - served * cycle, LEAST_SHELF * cover, cover)
    idle = np.maximum(0.0, capital - served * cycle - in_stock)

    daily = served * m.base_orders[rows] * level * factor
    uneven = draws.exp(STOCK_SPREAD * draws.normal(seed, "birth.state", draws.ONCE, ids, 1) - STOCK_SPREAD**2 / 2.0)
    m.stock[rows] = np.maximum(STOCK_KEPT * pace * factor * in_stock * uneven, LEAST_STOCK)
    if has_spells:
        rests, hots = proneness_of(p.spells, seed, ids)
        at_rest = share_at_rest(p.spells, daily, rests, hots)
        luck = [draws.uniform(seed, "birth.state", draws.ONCE, ids, k) for k in (200, 201)]
        m.spell[rows] = ongoing_spells(p.spells, at_rest, luck[0], luck[1], hots)
        daily = daily * (1.0 - at_rest)  # what follows are means over some time
    m.on_order[:, rows] = daily * lead / 2.0
    shipped = daily * m.order_value[rows] * (1.0 - m.off_platform[rows])
    for stage, days in enumerate(stage_days(confirmation, p.trade.confirmation_cv)):
        m.shipped[stage, rows] = np.floor(shipped * days)
    reserve = p.cash.reserve * m.fixed_cost[rows].astype(np.float64)
    m.wallet[rows] = np.floor(reserve + IDLE_KEPT * idle * pace * factor * unit)
    m.outside_debt[rows] = np.floor(debt * daily * m.order_value[rows])
    m.demand_mean[rows] = pace
    sales = daily * m.order_value[rows] * (1.0 - m.off_platform[rows])
    for name in ("sales_mean_7d", "sales_mean_30d", "sales_mean_90d"):
        getattr(m, name)[rows] = sales
    spent = daily * m.order_value[rows] * m.advertising[rows]
    m.advertising_mean_30d[rows] = m.advertising_mean_90d[rows] = spent
    m.sales_variance_30d[rows] = sales * m.order_value[rows] + (0.4 * sales) ** 2
    m.returns_mean_30d[rows] = sales * m.return_rate[rows]
    m.reputation[rows] = np.clip(1.0 + RATED * m.quality[rows] - MISSED * (1.0 - served), 0.5, 1.5)
    if lift is not None:
        more, terms = lift[m.category[rows]] - np.float32(1), p.promotions
        joins = who_it_pays(m.promotion_fit[rows], m.margin[rows], more, terms)
        m.promotion[rows] = np.where(joins, MEANS_TO | TAKES_PART, 0)
    m.wash_level[rows] = HABIT
    m.status[rows] = OPEN
    return {
        "wallet": int(m.wallet[rows].sum()),
        "shipped": int(m.shipped[:, rows].sum()),
        "outside_debt": int(m.outside_debt[rows].sum()),
    }


def entrants(merchants: Merchants, day: int) -> npt.NDArray[np.intp]:
    """Rows of the shops that enter on the day."""
    return np.flatnonzero((merchants.entry_day == day) & (merchants.status == WAITING))
