"""The compiled loops of a merchant's day, each against the same rule in plain NumPy, on random states."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.core import draws
from sim.core.loanbook import LOAN, ORDER_LOAN, PAID_OFF
from sim.core.merchants import CLOSED, CLOSING, FRAUDSTER, HONEST, OPEN, OPPORTUNIST, WAITING
from sim.engine.day import plan as plans
from sim.engine.day import shopfront
from sim.engine.day import trade as trades
from sim.engine.day.count import MoneyColumns, count_loans, count_money, mark_late, whole_sum
from sim.engine.day.flags import MAY_LEAVE, PRESSED
from sim.engine.day.plan import PlanRules
from sim.engine.day.sparse import rows_with
from sim.engine.day.trade import TradeRules
from sim.lenders.policies.losses import add_losses
from sim.world.birth import NEVER
from sim.world.exits import FRAUDSTERS_STAY
from sim.world.promotions import MEANS_TO, TAKES_PART
from sim.world.sales import MISSED, RATED
from sim.world.spells import MOST_PRONE
from sim.world.wash import FEE, TIED_UP

F = np.float32
N, TODAY, SEED = 999, 4400, 5  # an odd number, so that loops have a rest beside their full vectors
Columns = dict[str, npt.NDArray[Any]]
IDS = np.arange(7, 7 + N, dtype=np.int32)

TRADE = TradeRules(
    key_shock=draws.day_key(SEED, "sales.shock", TODAY), key_orders=draws.day_key(SEED, "sales.orders", TODAY),
    key_value=draws.day_key(SEED, "sales.value", TODAY), value_noise=F(0),
    carry=F(0.97), innovation=F(0.24), noise=F(0.3), first_share=0.4, stage_share=0.4, restocked=F(0.7),
    outside_day=0.0006, pull=F(1.0), saved=F(0.5), given_up=F(0.8), shifted=F(0.4), rival=F(0.2),
    discount=F(0.1), drawn_away=F(0.15), young_cut=F(0.08), young_until=F(180), elasticity=F(0.8),
    hot_lift=F(4), rest_level=F(0), today=TODAY, replays=False,
)  # fmt: skip
PLAN = PlanRules(
    key_attention=draws.day_key(SEED, "attention", TODAY), confirmation=F(10), reserve_days=F(5), outside_cap=F(20),
    outside_take=F(0.3), outside_price=F(0.0006), lowest_price=F(0.0005), owner_take=F(0.05), smallest=F(50_000),
    trust=F(0.8), hazard=F(0.007), exponent=F(0.85), youth=F(1.0), ruin_days=F(30), ruin_hazard=F(0.1),
    away_honest=F(25), away_step=F(5), back_step=F(2), discount=F(0.1),
    drawn_away=F(0.15), least_stock=F(0.5), is_promoted=True, rest=F(0.1), rest_exponent=F(0.5), rest_least=F(1),
    key_prone=draws.day_key(SEED, "spell.proneness", draws.ONCE), rest_sigma=F(0), rest_most=F(0.1), youth_rest=F(0),
    youth_days=F(5), hot_sigma=F(0), hot_most=F(0.05),
    rest_more=F(9), hot=F(0.05), hot_more=F(3), wash_most=F(200), wash_chase=F(7), wash_back=F(2),
    today=TODAY,
)  # fmt: skip


@pytest.fixture(params=range(3))
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(request.param))


def floats(rng: np.random.Generator, low: float, high: float) -> npt.NDArray[np.float32]:
    return rng.uniform(low, high, N).astype(F)


def fen(rng: np.random.Generator, high: float) -> npt.NDArray[np.float64]:
    """Whole fen, a third of them nothing or next to it."""
    return np.floor(rng.uniform(0, high, N) * rng.choice([0.0, 1e-4, 1.0, 1.0], N))


def statuses(rng: np.random.Generator) -> npt.NDArray[np.int8]:
    return rng.choice([WAITING, OPEN, OPEN, OPEN, CLOSING, CLOSED], N).astype(np.int8)


def close(found: Any, expected: Any, digits: float = 1e-5) -> None:
    np.testing.assert_allclose(found, expected, rtol=digits, atol=1e-6)


# ------------------------------------------------------------------------------------------------------------- trade


def test_factors_are_looked_up(rng: np.random.Generator) -> None:
    code, factor, out = rng.integers(0, 9, N).astype(np.int8), floats(rng, 0, 2)[:9], np.empty(N, F)
    trades.look_up(code, factor, out)
    assert np.array_equal(out, factor[code])


def test_bits_are_those_of_the_draws() -> None:
    high, low = np.empty(N, np.uint32), np.empty(N, np.uint32)
    trades.bits_of(TRADE.key_shock, IDS, high, low)
    bits = (high.astype(np.uint64) << np.uint64(32)) | low
    uniforms = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52
    assert np.array_equal(uniforms, draws.uniform(SEED, "sales.shock", TODAY, IDS))


def test_draws_are_box_and_muller_of_the_bits() -> None:
    high, low, z1, z2, z3, u = np.empty(N, np.uint32), np.empty(N, np.uint32), *(np.empty(N, F) for _ in range(4))
    trades.draw(TRADE, IDS, high, low, z1, z2, z3, u)
    for stream, found in (("sales.shock", (z1, z2)), ("sales.orders", (z3,))):
        trades.bits_of(draws.day_key(SEED, stream, TODAY), IDS, high, low)
        first, second = (((half >> 9).astype(np.float64) + 0.5) / 2.0**23 for half in (high, low))
        radius, turn = np.sqrt(-2.0 * np.log(first)), 2.0 * np.pi * second
        for z, wave in zip(found, (-np.cos(turn), -np.sin(turn)), strict=False):
            np.testing.assert_allclose(z, radius * wave, atol=3e-5)
    close(u, first)


def test_demand_follows_its_formula(rng: np.random.Generator) -> None:
    status, entry = statuses(rng), (TODAY + rng.integers(-700, 100, N)).astype(np.int16)
    volatility, growth = floats(rng, 0, 0.8), floats(rng, -0.9, 3)
    base, reputation, shock, luck = floats(rng, 0, 30), floats(rng, 0.5, 1.5), floats(rng, -3, 3), floats(rng, -50, 50)
    season, boost, lift = floats(rng, 0.6, 1.6), floats(rng, 1, 2), floats(rng, 1, 3)
    z = [rng.standard_normal(N).astype(F) for _ in range(3)]
    u, expected_orders, live, wanted, usual = floats(rng, 1e-6, 1), *(np.empty(N, F) for _ in range(4))
    which = np.empty(N, np.uint32)
    before = shock.copy(), luck.copy()
    trades.want(
        TRADE, status, entry, volatility, growth, base, reputation, shock, luck, season, boost, lift, *z, u, which,
        expected_orders, live, wanted, usual,
    )  # fmt: skip
    is_open, days = status == OPEN, TODAY - entry.astype(float)
    close(shock, 0.97 * before[0] + 0.24 * z[0])
    close(luck, before[1] + np.where(days >= 0, shock, 0.0))
    assert np.array_equal(live, is_open)
    calendar = season * lift
    close(usual, 1.0 / calendar)
    trend = np.maximum(1.0 + growth * days / 365.0, 0.2)
    level = np.exp(volatility * (shock - volatility / 2.0) + 0.3 * (z[1] - 0.15))
    mean = is_open * base * calendar * trend * reputation * boost * level
    close(expected_orders, mean, 1e-4)
    small = mean < 6.0
    few = stats.poisson.ppf(u, np.maximum(mean, 1e-12))
    many = np.maximum(np.floor(mean + np.sqrt(mean) * z[2] + (z[2] ** 2.0 - 1.0) / 6.0 + 0.5), 0.0)
    expected = np.where(small, few, many)
    assert (wanted == expected).mean() > 0.995  # float32 falls on the other side of a step now and then
    assert np.abs(wanted - expected).max() <= 1.0
    assert not wanted[~is_open].any()
    assert 0.2 < small.mean() < 0.95


def test_shops_at_rest_sell_and_fake_nothing_and_hot_products_sell_more(rng: np.random.Generator) -> None:
    spell, level = rng.integers(-2, 3, N).astype(np.int8), rng.integers(0, 256, N).astype(np.uint8)
    wash, boost, fakes = floats(rng, 0, 0.5), floats(rng, 1, 2), np.empty(N, F)
    before = boost.copy()
    trading = np.empty(N, F)
    shopfront.open_up(TRADE, spell, wash, level, boost, fakes, trading)
    assert np.array_equal(trading, spell >= 0)
    close(boost, before * np.select([spell < 0, spell > 0], [0.0, 4.0], 1.0))
    close(fakes, np.where(spell >= 0, wash * level.astype(float) / 100.0, 0.0))


def test_prices_and_what_promotions_do_follow_their_formulas(rng: np.random.Generator) -> None:
    opened, promotion = (TODAY - rng.integers(0, 400, N)).astype(np.int16), rng.integers(0, 4, N).astype(np.uint8)
    margin, value, fit = floats(rng, 0.05, 0.5), np.rint(floats(rng, 500, 90_000)), floats(rng, 0, 3)
    lift, boost, price = rng.choice([0.7, 1.0, 3.0], N).astype(F), floats(rng, 1, 2), np.empty(N, F)
    was, before = lift.astype(float), boost.copy()
    shopfront.set_prices(TRADE, opened, margin, value, promotion, fit, lift, boost, price)
    cut = np.minimum(0.08 * np.maximum(1.0 - (TODAY - opened.astype(float)) / 180.0, 0.0), margin / 2.0)
    close(boost, before * (1.0 + 0.8 * cut))
    takes_part = (promotion & TAKES_PART) > 0
    given = np.maximum(cut, np.where(takes_part & (was > 1.0), 0.1, 0.0))
    assert np.abs(price - np.floor(value * (1.0 - given))).max() <= 1.0
    assert (price == np.floor(value * (1.0 - given))).mean() > 0.98  # float32 falls on the other side now and then
    assert np.array_equal(price, np.floor(price))
    own, other = np.maximum(1.0 + fit * (was - 1.0), 0.2), np.where(was > 1.0, 0.85, 1.0)
    close(lift, np.where(takes_part, own, other))
    assert np.array_equal(price[given == 0.0], value[given == 0.0])
    assert min((given == 0.0).sum(), (cut == margin / 2.0).sum(), ((cut > 0.0) & (cut < 0.05)).sum()) > 10


def test_the_values_of_orders_vary_about_the_price_and_less_where_there_are_many(rng: np.random.Generator) -> None:
    ids = np.arange(1, 20_001, dtype=np.int32)
    orders, price = np.repeat(np.array([0.1, 4.0], F), ids.size // 2), np.full(ids.size, 20_000, F)
    high, low = np.empty(ids.size, np.uint32), np.empty(ids.size, np.uint32)
    shopfront.vary_values(TRADE.key_value, F(0.5), ids, orders, price, high, low)
    few, many = np.log(price.reshape(2, -1).astype(float) / 20_000)
    for logs, spread in ((few, 0.5), (many, 0.25)):
        assert logs.std() == pytest.approx(spread, rel=5.0 / math.sqrt(2 * logs.size))
        assert abs(logs.mean() + spread**2 / 2.0) < 5.0 * spread / math.sqrt(logs.size)
    assert np.array_equal(price, np.floor(price))
    tiny = np.full(ids.size, 1, F)
    shopfront.vary_values(TRADE.key_value, F(2.0), ids, orders, tiny, high, low)
    assert tiny.min() == 1.0


def test_advertising_and_where_to_sell_follow_their_formulas(rng: np.random.Generator) -> None:
    usual, margin, off = floats(rng, 0, 0.1), floats(rng, 0.05, 0.9), floats(rng, 0, 0.5)
    flags, retreat = rng.integers(0, 256, N).astype(np.uint8), rng.integers(0, 101, N).astype(np.uint8)
    promotion = rng.integers(0, 4, N).astype(np.uint8)
    run_up, boost, share, elsewhere = floats(rng, 0, 2), floats(rng, 1, 2), np.empty(N, F), np.empty(N, F)
    before = boost.copy()
    shopfront.advertise(TRADE, usual, margin, off, flags, retreat, promotion, run_up, boost, share, elsewhere)
    away = retreat / 100.0
    level = (1.0 + run_up * (promotion & MEANS_TO)) * np.where((flags & PRESSED) > 0, 0.5, 1.0) * (1.0 - 0.8 * away)
    elasticity = np.minimum(usual / margin.astype(float), 0.45)
    close(share, usual * level)
    close(boost, before * (1.0 + 2.0 * elasticity * (level - 1.0) / (level + 1.0)))
    moved = off + (1.0 - off.astype(float)) * 0.4 * away
    close(elsewhere, moved + (1.0 - moved) * 0.2)
    assert 0.2 < ((flags & PRESSED) > 0).mean() < 0.8
    assert (elasticity == 0.45).any()


def selling(rng: np.random.Generator) -> Columns:
    c = {name: fen(rng, 3e6) for name in ("s1", "s2", "s3", "s4", "wallet", "arrears", "outside_debt", "sales_total")}
    c |= {"live": (statuses(rng) == OPEN).astype(F), "stock": floats(rng, -0.5, 40)}
    c["wanted"] = np.floor(floats(rng, 0, 30)) * c["live"]
    c |= {"fee": floats(rng, 0, 0.05), "order_value": np.rint(floats(rng, 500, 90_000)), "wash": floats(rng, -0.5, 0.5)}
    c["wash"] = np.maximum(c["wash"], F(0))
    c["today_value"] = np.floor(c["order_value"] * floats(rng, 0.8, 1))
    c |= {name: floats(rng, 0, 0.3) for name in ("off_platform", "return_rate", "advertising")}
    c |= {"fixed_cost": np.floor(floats(rng, 0, 90_000)), "mean_30d": floats(rng, 0, 2e5), "lost_total": fen(rng, 1e5)}
    c["lost_total"] = c["lost_total"].astype(F)
    return c


def test_a_sale_moves_stock_and_money_to_the_fen(rng: np.random.Generator) -> None:
    c = selling(rng)
    b = {name: column.astype(np.float64) for name, column in c.items()}
    lost, recorded, refunded, adverts = (np.empty(N, F) for _ in range(4))
    sold_fen, lost_fen, totals = np.empty(N, np.int64), np.empty(N, np.int64), np.zeros(7, np.int64)
    order = (
        "live", "wanted", "fee", "order_value", "today_value", "off_platform", "return_rate", "advertising",
        "fixed_cost", "wash", "mean_30d", "stock", "s1", "s2", "s3", "s4", "wallet", "arrears", "outside_debt",
        "sales_total", "lost_total",
    )  # fmt: skip
    trades.sell(TRADE, *(c[name] for name in order), lost, recorded, refunded, adverts, sold_fen, lost_fen, totals)

    sold = np.minimum(b["wanted"], np.maximum(np.floor(b["stock"]), 0.0))
    value, missed = sold * b["today_value"], b["wanted"] - sold
    off = np.floor(value * b["off_platform"])
    faked = b["live"] * np.maximum(np.floor(np.minimum(c["wash"] * c["mean_30d"], TIED_UP * b["wallet"])), 0.0)
    out = [np.where(b[s] < 100.0, b[s], np.floor(b[s] * 0.4)) for s in ("s1", "s2", "s3", "s4")]
    refund = np.floor(out[3] * b["return_rate"])
    receipts = out[3] - refund
    charge = np.floor(receipts * b["fee"])
    spent = np.floor(value * b["advertising"])
    costs = b["arrears"] + b["live"] * b["fixed_cost"] + spent
    costs += np.floor(b["outside_debt"] * 0.0006)
    money = b["wallet"] + receipts - charge + off - faked - np.floor(faked * FEE)
    paid = np.maximum(np.minimum(costs, money), 0.0)
    exact = {
        "s1": b["s1"] + value - off - out[0], "s2": b["s2"] + out[0] - out[1], "s3": b["s3"] + out[1] - out[2] + faked,
        "s4": b["s4"] + out[2] - out[3], "wallet": money - paid, "arrears": costs - paid,
        "sales_total": b["sales_total"] + value,
    }  # fmt: skip
    for name, expected in exact.items():
        assert np.array_equal(c[name], expected), name
    close(c["stock"], b["stock"] + refund / b["order_value"] * 0.7 - sold, 1e-4)
    close(c["lost_total"], b["lost_total"] + missed * b["today_value"])
    assert np.array_equal(lost, missed)
    assert np.array_equal(recorded, (value - off + faked).astype(F))
    assert np.array_equal(refunded, refund.astype(F))
    assert np.array_equal(adverts, spent.astype(F))
    assert np.array_equal(sold_fen, value)
    assert np.array_equal(lost_fen, missed * b["today_value"])
    sums = (off, refund, receipts, charge, paid, faked, np.floor(faked * FEE))
    assert totals.tolist() == [int(column.sum()) for column in sums]
    assert all(column.any() for column in (*sums, missed))


def test_means_and_rating_move_by_their_weights(rng: np.random.Generator) -> None:
    live, wanted = (statuses(rng) == OPEN).astype(F), np.floor(floats(rng, 0, 30))
    trading = rng.integers(0, 2, N).astype(F)
    lost, usual = np.floor(wanted * floats(rng, 0, 1)), floats(rng, 0.3, 2)
    recorded, refunded, quality = floats(rng, 0, 1e6), floats(rng, 0, 1e4), floats(rng, -3, 3)
    reputation, pace = floats(rng, 0.5, 1.5), floats(rng, 0, 30)
    means = [floats(rng, 0, 1e6) for _ in range(3)]
    variance, returns = floats(rng, 0, 1e10), floats(rng, 0, 1e4)
    adverts, adverts_30d, adverts_90d = floats(rng, 0, 1e4), floats(rng, 0, 1e4), floats(rng, 0, 1e4)
    before = [column.astype(np.float64) for column in (reputation, pace, *means, variance, returns)]
    spent = adverts_30d.astype(np.float64), adverts_90d.astype(np.float64)
    trades.remember(
        live, trading, wanted, lost, usual, recorded, refunded, quality, reputation, pace, *means, variance, returns,
        adverts, adverts_30d, adverts_90d,
    )  # fmt: skip
    close(adverts_30d, spent[0] + (adverts - spent[0]) / 30)
    close(adverts_90d, spent[1] + (adverts - spent[1]) / 90)
    value, old = recorded.astype(np.float64), before[2:5]
    for mean, was, days in zip(means, old, (7, 30, 90), strict=True):
        close(mean, was + (value - was) / days)
    close(variance, (1 - 1 / 30) * (before[5] + (value - old[1]) ** 2 / 30), 1e-4)
    close(returns, before[6] + (refunded - before[6]) / 30)
    close(pace, before[1] + (wanted * usual - before[1]) / 28 * live * trading)
    deserved = 1.0 + RATED * quality - MISSED * lost / np.maximum(wanted, 1.0)
    close(reputation, before[0] + live * 0.01 * (deserved - before[0]))


def test_sums_by_category_add_up(rng: np.random.Generator) -> None:
    category, lost, sold = rng.integers(0, 7, N).astype(np.int8), *(rng.integers(0, 10**12, (2, N)))
    out = np.ones((2, 7), np.int64)
    trades.sum_by_category(category, lost, sold, out)
    for code in range(7):
        assert out[:, code].tolist() == [1 + lost[category == code].sum(), 1 + sold[category == code].sum()]


# ------------------------------------------------------------------------------------------------------------- plans


def test_shops_prepare_for_what_pays_and_join_with_the_goods(rng: np.random.Generator) -> None:
    margin, fit, pace, ahead = floats(rng, 0.05, 0.5), floats(rng, 0, 2), floats(rng, 0, 20), floats(rng, 0.5, 2)
    stock, lift_ahead, promotion = floats(rng, 0, 60), floats(rng, 0, 5), rng.integers(0, 4, N).astype(np.uint8)
    largest, tomorrow = (rng.choice([0.0, 0.5, 4.0], N).astype(F) for _ in range(2))
    wish, before = lift_ahead.copy(), promotion.copy()
    plans.prepare(PLAN, margin, fit, pace, ahead, stock, largest, tomorrow, lift_ahead, promotion)

    def pays(more: Any) -> Any:
        return (more > 0) & ((1.0 + fit.astype(float) * more) * (margin - 0.1) > 0.85 * margin)

    close(lift_ahead, np.where(pays(largest), wish, 0.0))
    has_goods = stock >= 0.5 * pace.astype(float) * ahead * (1.0 + fit * tomorrow)
    joins = np.where(tomorrow > 0, pays(tomorrow) & has_goods, (before & TAKES_PART) > 0)
    assert np.array_equal(promotion, np.where(joins, TAKES_PART, 0) | np.where(pays(largest), MEANS_TO, 0))
    assert 0.1 < pays(tomorrow)[tomorrow > 0].mean() < 0.9
    assert 0.1 < has_goods.mean() < 0.9


def test_goods_arrive_and_what_is_missing_is_seen(rng: np.random.Generator) -> None:
    status, value, margin = statuses(rng), floats(rng, 500, 90_000), floats(rng, 0.05, 0.9)
    lead, cover, fit, pace = floats(rng, 2, 60), floats(rng, 1, 60), floats(rng, 0, 3), floats(rng, 0, 20)
    ahead, lift, decay = floats(rng, 0.5, 2), floats(rng, 0, 5), floats(rng, 0, 0.02)
    stock, on1, on2 = floats(rng, 0, 400), floats(rng, 0, 50), floats(rng, 0, 50)
    before = [column.astype(np.float64) for column in (stock, on1, on2)]
    live, cost, need, goods, needed, gain = (np.empty(N, F) for _ in range(6))
    active = plans.stock_up(
        PLAN, status, value, margin, lead, cover, fit, pace, ahead, lift, decay, stock, on1, on2, live, cost, need,
        goods, needed, gain,
    )  # fmt: skip
    is_open, unit = status == OPEN, value * (1.0 - margin.astype(float))
    assert active == is_open.sum()
    moved, arrived = before[1] * 2 / lead, before[2] * 2 / lead
    have, coming = before[0] * (1.0 - decay) + arrived, before[1] + before[2] - arrived
    target = np.maximum(pace * ((lead + cover) * ahead + fit * lift), 2.0)
    gap = is_open * np.maximum(target - have - coming, 0.0)
    close(stock, have)
    np.testing.assert_allclose(on1, before[1] - moved, atol=1e-4)
    np.testing.assert_allclose(on2, before[2] + moved - arrived, atol=1e-4)
    assert np.array_equal(live, is_open)
    close(cost, unit)
    np.testing.assert_allclose(need, gap * unit, rtol=1e-4, atol=1e-4 * 90_000)
    close(goods, (have + coming) * unit)
    close(needed, pace * ahead * ((lead + cover) * unit + 10 * value))
    worth = margin / (1.0 - margin) * np.minimum(gap / target, 1.0) / (lead + cover / 2 + 10)
    np.testing.assert_allclose(gain, worth, rtol=1e-3, atol=1e-6)
    assert 0.1 < (gap > 0).mean() < 0.9


def test_the_wallet_is_shared_out_to_the_fen(rng: np.random.Generator) -> None:
    live, need, goods = (statuses(rng) == OPEN).astype(F), floats(rng, -1e6, 2e6), floats(rng, 0, 3e6)
    need = np.maximum(need, F(0)) * live
    needed, gain, fixed = floats(rng, 0, 4e6), floats(rng, 0, 0.002), np.floor(floats(rng, 0, 90_000))
    patience, sensitivity, mean = floats(rng, 0.5, 1.5), floats(rng, 0.5, 2), floats(rng, 0, 2e5)
    debt, due = fen(rng, 1e6), fen(rng, 5e5) * rng.integers(0, 2, N)
    chain, wallet, arrears, outside = [fen(rng, 1e6) for _ in range(4)], fen(rng, 4e6), fen(rng, 1e5), fen(rng, 2e6)
    before, shortage, spent, unpaid = (wallet.copy(), outside.copy()), *(np.empty(N, F) for _ in range(3))
    distress, totals = np.empty(N, np.uint8), np.zeros(5, np.int64)
    plans.share_out(
        PLAN, live, need, goods, needed, gain, fixed, patience, sensitivity, mean, debt, due, *chain, wallet, arrears,
        outside, shortage, spent, unpaid, distress, totals,
    )  # fmt: skip
    reserve = (F(5) * fixed).astype(np.float64) + due
    own = before[0] + goods + sum(chain) - before[1] - debt - arrears
    extra = np.minimum(own - patience.astype(np.float64) * needed, before[0] - reserve)
    take = live * np.floor(np.maximum(np.float64(F(0.05)) * extra, 0.0))
    spend = live * np.floor(np.maximum(np.minimum(need, before[0] - take - reserve), 0.0))
    money = before[0] - take - spend
    short = need - spend + arrears
    short = np.where(short >= 1.0, short, 0.0)
    pressed = (arrears > 0) | (due > money)
    wants = pressed | (gain > F(0.0006) * sensitivity)
    room = (F(20) * mean).astype(np.float64) - before[1]
    drawn = live * np.where(wants, np.floor(np.maximum(np.minimum(np.float64(F(0.3)) * short, room), 0.0)), 0.0)
    idle = 0.2 * (money - reserve)
    back = np.where(short <= 0, np.floor(np.maximum(np.minimum(before[1], idle), 0.0)), 0.0)
    assert np.array_equal(wallet, money + drawn - back)
    assert np.array_equal(outside, before[1] + drawn - back)
    assert np.array_equal(spent, spend.astype(F))
    still = np.maximum(due - wallet, 0.0)
    close(shortage, np.maximum(short - drawn + still, 0.0))
    assert np.array_equal(distress & 1, pressed)
    assert np.array_equal(distress >> 1, (arrears > 0) | (still > 0))
    assert np.array_equal(unpaid, arrears.astype(F))
    sums = (spend, drawn, back, take)
    assert totals.tolist() == [*(int(column.sum()) for column in sums), 0]
    assert all(column.any() for column in (*sums, shortage))


def test_owners_turn_away_in_trouble_and_come_back(rng: np.random.Generator) -> None:
    integrity = rng.choice([HONEST, OPPORTUNIST, FRAUDSTER], N).astype(np.int8)
    distress, late = rng.integers(0, 4, N).astype(np.uint8), rng.integers(0, 2, N).astype(np.uint8)
    retreat = rng.choice([0, 1, 3, 23, 60, 98, 100], N).astype(np.uint8)
    before = retreat.astype(int)
    plans.turn_away(PLAN, integrity, distress, late, retreat)
    in_trouble = ((distress & 2) > 0) | (late > 0)
    most = np.maximum(np.where(integrity == HONEST, 25, 100), before)
    assert np.array_equal(retreat, np.where(in_trouble, np.minimum(before + 5, most), np.maximum(before - 2, 0)))
    assert set(np.unique(retreat)) >= {0, 25, 60, 100}


def test_a_night_passes_and_those_in_want_of_money_fake_more(rng: np.random.Generator) -> None:
    shortage, spell = floats(rng, 0, 100_000), rng.integers(-3, 4, N).astype(np.int8)
    level = rng.choice([0, 1, 50, 99, 100, 101, 150, 199, 200], N).astype(np.uint8)
    before, left = level.astype(int), spell.astype(int)
    plans.pass_the_night(PLAN, shortage, spell, level)
    assert np.array_equal(spell, left - np.sign(left))
    chasing = np.minimum(before + 7, 200)
    calming = np.maximum(before - 2, 100)
    usual = np.where(shortage >= 50_000, chasing, calming)
    assert np.array_equal(level, np.where(before >= 100, usual, np.minimum(before + 2, 100)))


def test_prone_and_young_shops_begin_more_spells(rng: np.random.Generator) -> None:
    """The night of those whose chances differ, against NumPy."""
    r = PLAN._replace(
        rest=F(0.02), rest_sigma=F(0.8), rest_most=F(0.7), hot=F(0.01), hot_sigma=F(0.6), hot_most=F(0.3),
        youth_rest=F(0.05),
    )  # fmt: skip
    mean, value = floats(rng, 0, 9e5), floats(rng, 500, 90_000)
    opened, low = (TODAY - rng.integers(0, 30, N)).astype(np.int16), rng.integers(0, 2**32, N, dtype=np.uint32)
    low[rng.random(N) < 0.7] |= np.uint32(0xF0000000)
    flags, spell, which = np.full(N, plans.MAY_LEAVE, np.uint8), np.zeros(N, np.int8), np.empty(N, np.uint32)
    none = np.zeros(N, F)
    plans.decide_to_leave(r, IDS, opened, mean, value, none + F(1), none, low, flags, spell, which)
    z = [draws.normal(SEED, "spell.proneness", draws.ONCE, IDS, k) for k in (0, 1)]
    prone = [np.minimum(np.exp(s * (one - s / 2.0)), MOST_PRONE) for s, one in zip((0.8, 0.6), z, strict=True)]
    rest = 0.02 * (mean.astype(float) / value + 1.0) ** -0.5 * prone[0]
    rest += 0.05 * np.exp(-(TODAY - opened.astype(float)) / 5.0)
    w = 1.0 - ((low >> np.uint32(9)).astype(np.float64) + 0.5) / 2.0**23
    rests = -1.0 - np.floor(-9.0 * np.log(np.minimum(w / rest, 1.0)))
    is_hot = 1.0 + np.floor(-3.0 * np.log(np.clip((w - rest) / (0.01 * prone[1]), 1e-9, 1.0)))
    new = np.where(w < rest, rests, np.where(w - rest < 0.01 * prone[1], is_hot, 0.0))
    assert (spell != np.clip(new, -120, 120)).sum() <= 3  # float32 beside an edge
    assert min((new < 0).sum(), (new > 0).sum()) > 10


def test_late_borrowers_are_marked() -> None:
    book = np.zeros(6, LOAN)
    book["row"], book["dpd"] = [10, 11, 11, 12, 13, 14], [0, 0, 3, 5, 9, 1]
    book["status"][3] = PAID_OFF
    late = np.full(6, 7, np.uint8)
    mark_late(book, np.array([0, 1, 2, 3, 4], np.int32), 10, late)  # the last loan is another tile's
    assert late.tolist() == [0, 1, 0, 1, 0, 0]


def test_flags_are_raised_for_those_they_are_meant_for(rng: np.random.Generator) -> None:
    status, entry = statuses(rng), (TODAY + rng.integers(0, 3, N)).astype(np.int16)
    reopen = rng.choice([0, TODAY, TODAY + 1], N).astype(np.int16)
    bust = rng.choice([NEVER, TODAY - 40, TODAY - 5, TODAY + 5], N, p=(0.7, 0.1, 0.1, 0.1)).astype(np.int16)
    fixed, habit, bother = floats(rng, 0, 1e4), floats(rng, 0, 1), floats(rng, 0, 5e3)
    sensitivity, arrears = floats(rng, 0.5, 2), fen(rng, 1e6).astype(F)
    stock, cost, spent = floats(rng, -1, 1), floats(rng, 100, 9_000), floats(rng, 0, 1e5)
    shortage, gain = floats(rng, 0, 2e5), floats(rng, 0, 0.002)
    distress, opened = rng.integers(0, 4, N).astype(np.uint8), (TODAY - rng.integers(0, 3000, N)).astype(np.int16)
    high, low = rng.integers(0, 2**32, (2, N), dtype=np.uint32)
    low[rng.random(N) < 0.5] >>= np.uint32(7)  # more leavers than chance would give
    mean, value = floats(rng, 0, 9e5), floats(rng, 500, 90_000)
    on1, flags, which = floats(rng, 0, 9), np.full(N, 255, np.uint8), np.empty(N, np.uint32)
    spell = rng.choice([0, 0, 0, -3, 2], N).astype(np.int8)
    low[rng.random(N) < 0.3] |= np.uint32(0xE0000000)  # and more spells
    before, spells = on1.copy(), spell.copy()
    plans.make_up_mind(
        PLAN, status, entry, reopen, bust, fixed, habit, bother, sensitivity, arrears, stock, cost, spent, shortage,
        gain, distress, high, low, on1, flags,
    )  # fmt: skip
    plans.decide_to_leave(PLAN, IDS, opened, mean, value, fixed, arrears, low, flags, spell, which)
    close(on1, before + spent / cost)
    is_open, strikes = status == OPEN, bust <= TODAY
    flees = bust.astype(int) <= TODAY - FRAUDSTERS_STAY
    thinks, leaves = (((bits >> np.uint32(9)).astype(np.float64) + 0.5) / 2.0**23 for bits in (high, low))
    pays = (gain - F(0.0005) * sensitivity) * shortage * F(10) > bother
    asks = ((pays | ((distress & 1) > 0)) & (thinks < 0.8 * habit) & (shortage >= 50_000)) | strikes
    young = 1.0 + 180.0 / (180.0 + TODAY - opened.astype(float))
    hazard = F(0.007) * (mean.astype(float) / value * 91.0 + 1.0) ** -0.85 * young + 0.1 * (arrears > 30.0 * fixed)
    rest = 0.1 * (mean.astype(float) / value + 1.0) ** -0.5
    w = 1.0 - leaves
    rests = -1.0 - np.floor(-9.0 * np.log(np.minimum(w / rest, 1.0)))
    is_hot = 1.0 + np.floor(-3.0 * np.log(np.clip((w - rest) / F(0.05), 1e-9, 1.0)))
    new = np.where(w < rest, rests, np.where(w - rest < 0.05, is_hot, 0.0))
    begins = is_open & (spells == 0)
    assert (spell != np.where(begins, np.clip(new, -120, 120), spells)).sum() <= 3  # float32 beside an edge
    assert min((begins & (new < 0)).sum(), (begins & (new > 0)).sum()) > 10
    expected = {
        plans.ASKS: is_open & asks,
        plans.PRESSED: is_open & (strikes | ((distress & 2) > 0)),
        plans.LEAVES: is_open & (flees | (leaves < hazard)),
        plans.FLEES: is_open & flees,
        plans.WINDS_DOWN: (status == CLOSING) | ((status == CLOSED) & (stock > 0)),
        plans.ENTERS: (status == WAITING) & (entry == TODAY + 1),
        plans.REOPENS: (status >= CLOSING) & (reopen == TODAY + 1),
        MAY_LEAVE: np.zeros(N, np.bool_),
    }
    for bit, right in expected.items():
        found = (flags & bit) > 0
        assert (found != right).sum() <= 1, bit  # a float32 on the other side of an edge
        assert bit == MAY_LEAVE or 5 < right.sum() < 0.9 * N, bit


# ------------------------------------------------------------------------------------------------- the few, and sums


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 1000, 4099])
def test_rows_with_a_flag_are_found(n: int) -> None:
    rng = np.random.Generator(np.random.Philox(n))
    for share in (0.0, 0.02, 1.0):
        flags = rng.integers(0, 256, n).astype(np.uint8) & np.uint8(127)
        flags |= np.where(rng.random(n) < share, np.uint8(128), np.uint8(0))
        for bit in (1, 4, 128):
            assert np.array_equal(rows_with(flags, bit), np.flatnonzero(flags & bit))


def test_sums_of_whole_fen_are_exact(rng: np.random.Generator) -> None:
    column = np.floor(rng.uniform(0, 2.0**52 / N, N))
    assert whole_sum(column) == sum(int(value) for value in column)


def test_a_loan_book_is_summed_by_lender_and_basis(rng: np.random.Generator) -> None:
    book = np.zeros(N, LOAN)
    book["lender"], book["balance"] = rng.integers(0, 3, N), rng.integers(0, 10**9, N)
    book["accrued"], book["units_per_fen"] = rng.integers(0, 10**15, N), rng.choice([365_000_000, 360_000_000], N)
    book["pledged"] = rng.integers(0, 10**7, (N, 4))
    lent, money, some = np.ones((3, 3), np.int64), np.ones(3, np.int64), rng.permutation(N)[: N // 2].astype(np.int32)
    count_loans(book, some, lent, money)
    book = book[some]
    assert money.tolist() == [1, 1 + int(book["pledged"][book["product"] == ORDER_LOAN].sum()), 1]
    for lender in range(3):
        own = book[book["lender"] == lender]
        assert lent[lender, 0] == 1 + own["balance"].sum()
        for place, basis in enumerate((365, 360), 1):
            assert lent[lender, place] == 1 + own["accrued"][own["units_per_fen"] == basis * 10**6].sum()


def test_the_money_of_some_merchants_is_counted(rng: np.random.Generator) -> None:
    c = MoneyColumns(fen(rng, 1e9), np.stack([fen(rng, 1e9) for _ in range(4)]), fen(rng, 1e9))
    totals = np.full(3, 7, np.int64)
    count_money(c, 100, 300, totals)
    expected = [sum(int(value) for value in column[..., 100:300].ravel()) + 7 for column in c]
    assert totals.tolist() == expected


def test_points_are_lost_by_the_edges_passed(rng: np.random.Generator) -> None:
    values = rng.uniform(0, 10, (4, N)).astype(F)
    edges = np.sort(rng.uniform(0, 10, (4, 3)), axis=1).astype(F)
    edges[1, 2] = np.inf
    steps, start = rng.integers(-9, 9, (4, 3)).astype(np.int8), rng.integers(0, 30, 4).astype(np.int8)
    losses, total = np.empty((4, N), np.int8), np.empty(N, np.int16)
    add_losses(values, edges, steps, start, losses, total)
    passed = values[:, None, :] >= edges[:, :, None]
    expected = start[:, None] + (passed * steps[:, :, None]).sum(axis=1)
    assert np.array_equal(losses, expected)
    assert np.array_equal(total, expected.sum(axis=0))
