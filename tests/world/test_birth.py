"""The birth of merchants: the same merchant in any crowd, the declared distributions, sound first shops."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.core import draws
from sim.core.merchants import FRAUDSTER, HONEST, OPEN, OPPORTUNIST, STATE, TRAITS, WAITING, Merchants
from sim.world.birth import NEVER, STOCK_KEPT, STOCK_SPREAD, begin_shops, beta_quantiles, draw_traits, entrants
from sim.world.cash import LEAST_STOCK
from sim.world.parameters import Institutions, MerchantParameters

START = 4199  # 1 July 2011
SEED = 5
INSTITUTIONS = Institutions()
SKEWED = {"habit_shape": 0.12, "habit_mean": 0.17}
SEASON = np.linspace(0.8, 1.2, 7).astype(np.float32)


def parameters(**groups: dict[str, Any]) -> MerchantParameters:
    return MerchantParameters.model_validate(groups)


def born(n: int, seed: int = SEED, p: MerchantParameters | None = None, start: int = START) -> Merchants:
    merchants = Merchants(n, 1)
    draw_traits(merchants, p or parameters(), INSTITUTIONS, seed, start)
    return merchants


@functools.cache
def crowd() -> Merchants:
    """Forty thousand merchants of the default parameters; no test changes them."""
    return born(40_000)


def sizes(m: Merchants) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = m.base_orders.astype(float) * m.order_value
    return found


def within(found: float, expected: float, standard_error: float) -> bool:
    return abs(found - expected) < 5.0 * standard_error


def is_share(mask: npt.NDArray[np.bool_], share: float) -> bool:
    """Whether a share lies within five binomial standard errors."""
    return within(float(mask.mean()), share, math.sqrt(max(share * (1.0 - share), 1e-9) / mask.size))


# ------------------------------------------------------------------------------------------ the same in any crowd


@pytest.mark.parametrize("name", TRAITS)
def test_traits_do_not_depend_on_how_many_merchants_there_are(name: str) -> None:
    alone, crowded = getattr(born(700), name), getattr(crowd(), name)
    assert np.array_equal(alone, crowded[:700])
    assert alone.dtype == TRAITS[name].dtype


def test_another_seed_makes_other_merchants() -> None:
    other = born(700, SEED + 1)
    for name in set(TRAITS) - {"merchant_id", "bust_day", "wash", "platform", "integrity", "entry_day"}:
        same = getattr(other, name) == getattr(crowd(), name)[:700]
        assert same.mean() < 0.5, name


def test_the_first_day_moves_the_dates_and_nothing_else() -> None:
    later = born(700, start=START + 100)
    dates = {"entry_day", "opened_day", "bust_day"}
    for name in set(TRAITS) - dates:
        assert np.array_equal(getattr(later, name), getattr(crowd(), name)[:700]), name
    assert np.array_equal(later.entry_day, crowd().entry_day[:700] + 100)


def test_one_parameter_moves_one_trait() -> None:
    """A change of the spread of margins leaves the luck in everything else alone."""
    other = born(700, p=parameters(trade={"margin_spread": 0.03}))
    moved = {name for name in TRAITS if not np.array_equal(getattr(other, name), getattr(crowd(), name)[:700])}
    assert moved == {"margin", "fixed_cost"}  # costs are a share of gross profit


# --------------------------------------------------------------------------------------------- distributions


def test_sizes_have_their_median_and_body() -> None:
    m, p = born(40_000, p=parameters(size={"tail_share": 0.0})), parameters().size
    log = np.log(sizes(m))
    assert within(np.median(log), math.log(p.median_daily_sales), 1.2533 * p.sigma / math.sqrt(m.n))
    low, high = np.percentile(log, [10, 90])  # the largest are cut, so that quantiles stand for the spread
    error = 2.42 * p.sigma / math.sqrt(m.n)  # of the difference of both: density 0.175 at the deciles
    assert within(high - low, 2 * 1.2816 * p.sigma, error)


def test_the_tail_is_pareto() -> None:
    """Hill's estimate of the exponent: mean excess of logs; its error is exponent / sqrt(n)."""
    p = parameters(size={"tail_share": 1.0, "largest_daily_sales": "100 m yuan"})
    found, edge = sizes(born(40_000, p=p)), p.size.median_daily_sales * math.exp(1.6 * p.size.sigma)
    assert found.min() > edge * (1 - 1e-6)
    for start in (1.0, 5.0):
        above = found[found > start * edge]
        hill = 1.0 / np.log(above / (start * edge)).mean()
        assert within(hill, p.size.tail_exponent, p.size.tail_exponent / math.sqrt(above.size))


def test_the_tail_is_as_heavy_as_declared() -> None:
    """Far out, where the lognormal body has ended, only the tail is left."""
    p = parameters().size
    far = 12.0 * p.median_daily_sales * math.exp(1.6 * p.sigma)
    body = stats.norm.sf((math.log(far / p.median_daily_sales)) / p.sigma)
    expected = p.tail_share * 12.0**-p.tail_exponent + (1 - p.tail_share) * body
    assert within((sizes(crowd()) > far).mean(), expected, math.sqrt(expected / crowd().n))
    assert sizes(crowd()).max() <= p.largest_daily_sales * (1 + 1e-6)


def test_integrity_platforms_and_categories_have_their_shares() -> None:
    m, p = crowd(), parameters()
    c = p.character
    assert is_share(m.integrity == FRAUDSTER, c.fraudsters)
    assert is_share(m.integrity == OPPORTUNIST, c.opportunists)
    assert is_share(m.integrity == HONEST, 1 - c.opportunists - c.fraudsters)
    for code, share in enumerate((INSTITUTIONS.platform.taobao, INSTITUTIONS.platform.tmall)):
        assert is_share(m.platform == code, share)
    assert is_share(m.platform == 2, 1 - INSTITUTIONS.platform.taobao - INSTITUTIONS.platform.tmall)
    for code, category in enumerate(p.categories.values()):
        assert is_share(m.category == code, category.share)
    regions = np.bincount(m.region, minlength=31)
    assert regions.size == 31
    assert stats.chisquare(regions).pvalue > 1e-6
    is_washer = (m.wash > 0) | (m.integrity == FRAUDSTER)
    assert is_share(is_washer, c.washers + c.fraudsters * (1 - c.washers))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("margin", lambda p: stats.norm(p.trade.margin, p.trade.margin_spread)),
        ("lead_days", lambda p: stats.lognorm(p.trade.spread, scale=p.trade.lead)),
        ("cover_days", lambda p: stats.lognorm(p.trade.spread, scale=p.trade.cover)),
        ("growth", lambda p: stats.norm(p.trade.growth, p.trade.growth_spread)),
        ("quality", lambda p: stats.norm()),
        ("off_platform", lambda p: stats.expon(scale=p.trade.off_platform)),
        ("advertising", lambda p: stats.expon(scale=p.trade.advertising)),
        ("price_sensitivity", lambda p: stats.lognorm(p.borrowing.spread, scale=p.borrowing.price_sensitivity)),
        ("bother", lambda p: stats.lognorm(p.borrowing.spread, scale=p.borrowing.bother)),
        ("order_value", lambda p: stats.lognorm(p.trade.order_value_sigma, scale=p.trade.order_value)),
    ],
)
def test_traits_have_their_quantiles(name: str, expected: Any) -> None:
    """The deciles lie where the declared distribution puts them; the clipped ends are left out."""
    shares = np.arange(1, 10) / 10.0
    law = expected(parameters())
    found = np.searchsorted(np.sort(getattr(crowd(), name)), law.ppf(shares)) / crowd().n
    assert (np.abs(found - shares) < 5 * np.sqrt(shares * (1 - shares) / crowd().n)).all()


def test_other_traits_are_independent() -> None:
    """No two draws share a stream and a number: else, say, fraudsters would live in one region."""
    m = crowd()
    names = (
        "platform", "category", "region", "entry_day", "opened_day", "integrity", "order_value", "margin", "lead_days",
        "cover_days", "promotion_fit", "quality", "wash", "advertising", "off_platform", "habit", "bother",
        "price_sensitivity", "kappa",
    )  # fmt: skip
    tail = sizes(m) / parameters().size.median_daily_sales
    columns = np.column_stack([*(getattr(m, name) for name in names), tail])
    correlations = stats.spearmanr(columns).statistic
    related = {(names.index("entry_day"), names.index("opened_day")), (names.index("integrity"), names.index("wash"))}
    for a, b in zip(*np.triu_indices(columns.shape[1], 1), strict=True):
        if (a, b) not in related:
            assert abs(correlations[a, b]) < 5 / math.sqrt(m.n), (names[a], (*names, "size")[b])


def test_good_shops_show_traces_of_their_quality() -> None:
    m, n = crowd(), crowd().n
    for name, sign in (("growth", 1), ("return_rate", -1), ("volatility", -1)):
        correlation = stats.spearmanr(getattr(m, name), m.quality).statistic
        assert sign * correlation > 0.1 + 5 / math.sqrt(n)
    for name in ("margin", "base_orders", "habit", "kappa"):
        assert abs(stats.spearmanr(getattr(m, name), m.quality).statistic) < 5 / math.sqrt(n)


def test_owners_who_borrow_leave_less_of_their_own() -> None:
    m = born(10_000, p=parameters(borrowing=SKEWED))
    assert np.median(m.patience[m.habit > 0.5]) < 0.7 * np.median(m.patience[m.habit < 0.01])


def test_traits_stay_within_their_bounds() -> None:
    m = born(5000, p=parameters(trade={"margin_spread": 0.5, "spread": 1.5, "return_rate": 0.3, "growth_spread": 3}))
    for name, low, high in (
        ("margin", 0.05, 0.9), ("lead_days", 2, 120), ("cover_days", 1, 365), ("growth", -0.9, 5),
        ("return_rate", 0, 0.5), ("volatility", 0, 2), ("wash", 0, 1), ("habit", 0, 1), ("promotion_fit", 0, 6),
    ):  # fmt: skip
        column = getattr(m, name).astype(float)
        assert np.isfinite(column).all()
        assert column.min() >= low - 1e-6
        assert column.max() <= high + 1e-6
    for name in ("order_value", "fixed_cost"):
        assert (getattr(m, name) == np.floor(getattr(m, name))).all()


# ----------------------------------------------------------------------------------------------- Beta quantiles

U = (np.arange(20_000) + 0.5) / 20_000


@pytest.mark.parametrize(("a", "mean"), [(0.12, 0.17), (0.07, 0.02), (0.5, 0.17), (1.0, 0.5), (2.0, 0.5), (10.0, 0.9)])
def test_beta_quantiles_are_those_of_scipy(a: float, mean: float) -> None:
    """Compared as probabilities, since a quantile near zero may be smaller than any float tells apart."""
    b = a * (1 - mean) / mean
    found = beta_quantiles(a, mean, U)
    assert np.abs(stats.beta.cdf(found, a, b) - U).max() < 1e-3
    assert found.mean() == pytest.approx(mean, rel=0.01)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(("a", "mean"), [(0.07, 0.17), (0.01, 0.17), (0.07, 0.5), (2.0, 0.9), (10.0, 0.17)])
def test_beta_quantiles_hold_for_every_legal_shape(a: float, mean: float) -> None:
    b = a * (1 - mean) / mean
    found = beta_quantiles(a, mean, U)
    away = found < 1.0 - 1e-9  # nearer to one than that the distribution function jumps from float to float
    assert np.abs(stats.beta.cdf(found, a, b) - U)[away].max() < 1e-3
    assert abs(found.mean() - mean) < 0.01 * mean


def test_a_beta_without_spread_is_its_mean() -> None:
    assert beta_quantiles(0.07, 0.0, U).max() == 0.0
    assert beta_quantiles(0.07, 1.0, U).min() == 1.0


def test_habits_are_strongly_skewed() -> None:
    habit = born(40_000, p=parameters(borrowing=SKEWED)).habit
    assert np.median(habit) < 0.01  # most never
    assert 0.03 < (habit > 0.9).mean() < 0.1  # a few nearly daily
    assert habit.mean() == pytest.approx(0.17, abs=float(5 * habit.std() / 200 + 0.001))


# --------------------------------------------------------------------------------------------------------- dates


def test_entry_dates_are_fixed_at_birth() -> None:
    m, e = crowd(), parameters().entry
    assert is_share(m.entry_day == START, e.present)
    late = m.entry_day[m.entry_day > START]
    assert late.max() <= START + e.over
    even = np.bincount((late - START - 1) * 10 // e.over, minlength=10)
    assert even.size == 10
    assert stats.chisquare(even).pvalue > 1e-6
    assert np.array_equal(m.opened_day[m.entry_day > START], late)  # an entrant's shop is new
    age = START - m.opened_day[(m.entry_day == START) & (m.opened_day > 1)]
    assert age.min() >= 0
    share_young = (age < e.tenure).mean()  # exponential: 1 - 1/e
    assert within(share_young, 1 - math.exp(-1), math.sqrt(0.2325 / age.size) + 1 / e.tenure)
    assert m.opened_day.min() >= 1


def test_everybody_may_be_there_from_the_start() -> None:
    m = born(300, p=parameters(entry={"present": 1.0}))
    assert (m.entry_day == START).all()


def test_only_fraudsters_strike() -> None:
    m, delay = crowd(), parameters().character.fraud_delay
    fraud = m.integrity == FRAUDSTER
    assert (m.bust_day[~fraud] == NEVER).all()
    wait = m.bust_day[fraud] - m.entry_day[fraud]
    assert wait.min() >= 30
    assert wait.max() < 30 + delay
    assert within(wait.mean(), 30 + delay / 2, delay / math.sqrt(12 * wait.size))


def test_entrants_are_those_whose_day_has_come() -> None:
    m = born(3000)
    assert np.array_equal(entrants(m, START), np.flatnonzero(m.entry_day == START))
    m.status[:10] = OPEN
    assert entrants(m, START).min() >= 10
    assert not np.isin(entrants(m, START + 5), entrants(m, START)).any()


# --------------------------------------------------------------------------------------------------- first shops


def opened(n: int = 4000, **groups: dict[str, Any]) -> tuple[Merchants, npt.NDArray[np.intp], dict[str, int]]:
    p = parameters(**groups)
    m = born(n, p=p)
    rows = entrants(m, START)
    return m, rows, begin_shops(m, rows, p, INSTITUTIONS.outside_money, SEED, SEASON)


def test_first_shops_are_finite_whole_and_not_negative() -> None:
    m, rows, _ = opened()
    for name in STATE:
        column = getattr(m, name)[..., rows].astype(float)
        assert np.isfinite(column).all(), name
        if name not in ("shock", "luck", "spell"):
            assert column.min() >= 0, name
    for name in ("wallet", "shipped", "outside_debt"):
        money = getattr(m, name)
        assert (money == np.floor(money)).all(), name
    assert (m.status[rows] == OPEN).all()
    rest = np.setdiff1d(np.arange(m.n), rows)
    assert (m.status[rest] == WAITING).all()
    assert not any(getattr(m, name)[..., rest].any() for name in STATE if name != "status")


def test_the_opening_totals_are_what_the_shops_hold() -> None:
    m, _, opening = opened()
    held = {name: int(getattr(m, name).sum()) for name in ("wallet", "shipped", "outside_debt")}
    assert opening == held
    assert opening["outside_debt"] > 0


def test_a_shop_begins_the_same_in_any_company() -> None:
    m, rows, _ = opened()
    again = born(m.n)
    for part in (rows[100:300], rows[:100]):
        begin_shops(again, part, parameters(), INSTITUTIONS.outside_money, SEED, SEASON)
    for name in STATE:
        assert np.array_equal(getattr(again, name)[..., rows[:300]], getattr(m, name)[..., rows[:300]]), name


def test_first_shocks_are_in_their_stationary_state() -> None:
    m, rows, _ = opened(40_000)
    shock = m.shock[rows].astype(float)
    assert within(shock.mean(), 0.0, 1 / math.sqrt(shock.size))
    assert within(shock.var(), 1.0, math.sqrt(2 / shock.size))
    assert np.array_equal(m.shock[rows], draws.normal(SEED, "birth.state", 0, m.merchant_id[rows]).astype(np.float32))


def test_goods_on_the_way_last_for_the_lead_time() -> None:
    """A rich shop has its whole lead time on order, and on average holds its cover, or the least that a shop holds."""
    m, rows, _ = opened(cash={"patience": 10.0, "patience_sigma": 0.0})
    daily = m.sales_mean_30d[rows] / m.order_value[rows] / (1.0 - m.off_platform[rows])
    assert np.allclose(m.on_order[:, rows].sum(axis=0), daily * m.lead_days[rows], rtol=1e-4)
    season = SEASON[m.category[rows]]
    cover = m.demand_mean[rows] * season * m.cover_days[rows]
    assert (m.stock[rows] >= LEAST_STOCK).all()
    large = cover > 20 * LEAST_STOCK
    uneven = np.log(m.stock[rows] / cover)[large]
    noise = 4 * STOCK_SPREAD / np.sqrt(large.sum())
    assert uneven.mean() == pytest.approx(np.log(STOCK_KEPT) - STOCK_SPREAD**2 / 2, abs=noise)
    assert uneven.std() == pytest.approx(STOCK_SPREAD, abs=noise)
    assert not m.outside_debt.any()


def test_unconfirmed_orders_last_for_the_confirmation_time() -> None:
    m, rows, _ = opened(trade={"confirmation": "20 days"})
    value = m.sales_mean_30d[rows].astype(float)
    assert np.abs(m.shipped[:, rows].sum(axis=0) - 20 * value).max() <= 4 + 1e-5 * (20 * value).max()


def test_poor_shops_hold_less_and_owe_more() -> None:
    """Short of capital, a shop has goods on the way before it has full shelves, and takes dear money."""
    held = {}
    for patience in (0.3, 3.0):
        m, rows, _ = opened(cash={"patience": patience, "patience_sigma": 0.0})
        full = m.demand_mean[rows] * SEASON[m.category[rows]] * m.cover_days[rows]
        orders = m.sales_mean_30d[rows] / m.order_value[rows]
        held[patience] = (m.stock[rows] / full, orders, m.outside_debt[rows], m.wallet[rows])
    poor, rich = held[0.3], held[3.0]
    assert np.median(poor[0]) < 0.6 * np.median(rich[0])
    assert rich[0].mean() > 0.9 * STOCK_KEPT
    assert (poor[1] <= rich[1] * (1 + 1e-6)).all()
    assert (poor[1] < 0.99 * rich[1]).any()
    assert poor[2].sum() > rich[2].sum() == 0
    assert (poor[3] <= rich[3]).all()
    assert poor[3].sum() < 0.5 * rich[3].sum()


def test_late_merchants_enter_in_waves_of_the_given_weights() -> None:
    entry = {"present": 0.2, "over": "300 days"}
    even, waves = (born(20_000, p=parameters(entry=entry | more)).entry_day for more in ({}, {"waves": [1, 0, 3]}))
    counts = np.histogram(waves[waves > START] - START, [1, 101, 201, 301])[0]
    assert counts.sum() == (waves > START).sum() == (even > START).sum()
    assert counts[1] <= 2  # a day at an edge
    assert is_share(np.arange(counts.sum()) < counts[2], 0.75)


@pytest.mark.parametrize("waves", [[], [0, 0], [1, -1]])
def test_waves_that_let_nobody_in_are_refused(waves: list[float]) -> None:
    with pytest.raises(ValueError, match="waves"):
        parameters(entry={"waves": waves})


def test_sizes_of_orders_do_not_depend_on_what_an_order_is_worth() -> None:
    """Orders have the law of sizes at the median value; sales are theirs times the value of the shop's own."""
    groups: dict[str, Any] = {"size": {"measure": "orders", "sigma": 0.5, "tail_share": 0.0}}
    m = born(4_000, p=parameters(**groups))
    other = born(4_000, p=parameters(**groups, trade={"order_value_sigma": 0.1}))
    assert np.allclose(m.base_orders, other.base_orders, rtol=1e-6)
    assert np.log(m.base_orders.astype(float)).std() == pytest.approx(0.5, rel=0.05)
    assert np.median(m.base_orders) == pytest.approx(30_000 / 18_000, rel=0.05)
    assert np.std(np.log(other.order_value)) == pytest.approx(0.1, rel=0.05)


def test_skewed_values_keep_mean_and_spread_of_their_logs() -> None:
    m = born(20_000, p=parameters(trade={"order_value_skew": -0.9, "order_value_sigma": 0.4}))
    logs = np.log(m.order_value.astype(float) / 18_000.0)
    assert logs.mean() == pytest.approx(0.0, abs=0.01)
    assert logs.std() == pytest.approx(0.4, rel=0.03)
    assert stats.skew(logs) == pytest.approx(2.0 * -(0.9**3), abs=0.2)  # the third moment of the mixture


def test_a_pivot_lets_shops_come_to_their_size_by_their_own_trend() -> None:
    plain, pivoted = born(2_000), born(2_000, p=parameters(trade={"growth_pivot": "146 days"}))
    factor = np.maximum(1.0 + plain.growth.astype(float) * 0.4, 0.2)
    assert np.allclose(pivoted.base_orders * factor, plain.base_orders, rtol=1e-5)
    assert np.array_equal(plain.growth, pivoted.growth)


def test_the_two_halves_of_the_body_have_spreads_of_their_own() -> None:
    plain = born(4_000, p=parameters(size={"sigma": 0.3, "tail_share": 0.0}))
    found = born(4_000, p=parameters(size={"sigma": 0.3, "upper": 2.0, "tail_share": 0.0}))
    logs, other = (np.log(sizes(m) / 30_000.0) for m in (found, plain))
    assert np.allclose(logs, np.where(other > 0.0, 2.0 * other, other), atol=1e-3)
