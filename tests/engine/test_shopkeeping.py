"""What shopkeepers decide shows where lenders look: advertising, and sales off the platform."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from small import ROUGH, differing, lived, scenario

from sim.core.merchants import OPPORTUNIST, STATE, TRAITS
from sim.engine.market import Market
from sim.world.behaviour import Borrowing
from sim.world.diversion import diverts
from sim.world.promotions import TAKES_PART

PROMOTION = {"events": {"sale": {"date": "2012-03-21", "kind": "promotion", "lift": 3.0}}}
ALONE: dict[str, Any] = {"lenders": {}, "calendar": {"start": "2012-02-15", "days": 60}}


def seen(market: Market, name: str) -> npt.NDArray[Any]:
    """A column as a lender sees it, of all merchants, after the last day."""
    day = market.calendar[market.day_index - 1]
    columns = market.observer.columns([name], slice(None), 0, "none", day.index, day.number)
    return columns[name]


def test_shops_advertise_more_before_a_promotion_and_lenders_see_it() -> None:
    with_it, without = lived(scenario(ALONE | PROMOTION), 34), lived(scenario(ALONE), 34)  # the eve of it
    spent, usual = seen(with_it, "advertising_mean_30d").sum(), seen(without, "advertising_mean_30d").sum()
    # ten days of 1 + 2/3, in a mean that forgets with a month
    assert spent / usual == pytest.approx(1.0 + 2.0 / 3.0 * (1.0 - (29.0 / 30.0) ** 10), rel=0.03)
    plain = ALONE | PROMOTION | {"merchants.advertising.run_up": 0.0}
    assert seen(lived(scenario(plain), 34), "advertising_mean_30d").sum() == pytest.approx(usual, rel=1e-6)


def test_advertising_brings_sales_with_diminishing_returns() -> None:
    def sales(**advertising: float) -> float:
        changes = {f"merchants.advertising.{name}": value for name, value in advertising.items()}
        return float(lived(scenario(ALONE | PROMOTION | changes), 34).merchants.sales_total.sum())

    nothing, some, more = sales(run_up=0.0), sales(run_up=1.5), sales(run_up=3.0)
    assert nothing < some < more
    assert more - some < some - nothing
    assert sales(run_up=3.0, pull=0.0) < some


def test_a_shop_saves_on_advertising_while_it_cannot_pay() -> None:
    saving, spending = (lived(scenario(ALONE | {"merchants.advertising.short": s}), 60) for s in (1.0, 0.0))
    late = (saving.merchants.arrears > 0) & (spending.merchants.arrears > 0) & (saving.merchants.sales_mean_30d > 0)
    assert late.sum() > 20
    ratio = [seen(m, "advertising_mean_30d")[late].sum() for m in (saving, spending)]
    assert ratio[0] < 0.8 * ratio[1]


def test_advertising_of_those_who_take_the_money_out_falls_behind_their_sales() -> None:
    """What monitoring learns of diversion beyond sales: the ratio of advertising to sales, 30 days over 90."""
    plan = {
        "merchants.number": 1500,
        "calendar": {"start": "2011-07-01", "days": 100},
        "merchants.borrowing": {"habit_mean": 0.1, "diverters": 0.3},
        "lenders.ali.equity": "4 m yuan",
        "lenders.ali.products": {"order_loan": None, "annuity": {"term": "6 months", "minimum": "500 yuan"}},
    }

    def gap(changes: dict[str, Any]) -> float:
        market = lived(scenario(plan | changes), 100, seed=6)
        m = market.merchants
        borrowers = np.isin(np.arange(m.n), market.book["row"][: market.book.n]) & (m.sales_mean_30d > 0)
        who = diverts(m.merchant_id, Borrowing(diverters=0.3), 6)
        usual = m.advertising * m.sales_mean_90d / (1.0 - m.off_platform)
        ratio = seen(market, "advertising_mean_30d") / np.maximum(usual, 1.0)
        assert min((borrowers & who).sum(), (borrowers & ~who).sum()) > 30
        return float(np.median(ratio[borrowers & who]) - np.median(ratio[borrowers & ~who]))

    assert gap({}) < -0.15
    assert abs(gap({"merchants.advertising.retreat": 0.0})) < 0.15


def test_sales_move_off_the_platform_with_trouble_and_opportunists_go_further() -> None:
    market = lived(scenario(ROUGH | {"events": {}}), 150)
    m = market.merchants
    late = (m.lender["dpd"][0] > 25) & (m.status == 1)
    cunning = late & (m.integrity == OPPORTUNIST)
    assert min((late & ~cunning).sum(), cunning.sum()) > 10
    assert (m.retreat[cunning] > 50).mean() > 0.9
    assert m.retreat[late & (m.integrity == 0)].max() <= 25
    ratio = seen(market, "off_platform_share") / np.maximum(m.off_platform, 1e-6)
    assert np.median(ratio[cunning]) > 1.5 * np.median(ratio[m.retreat == 0])


def test_where_nothing_can_be_moved_the_signal_stays_as_it_was_born() -> None:
    market = lived(scenario(ROUGH | {"events": {}, "merchants.elsewhere.shifted": 0.0}), 100)
    first = lived(scenario(ROUGH | {"events": {}}), 0)
    ours, born = seen(market, "off_platform_share"), first.merchants.off_platform
    assert (market.merchants.retreat > 0).any()
    assert (ours <= 1.5 * born + 1e-6).all()


def test_books_close_and_no_money_is_lost_where_all_evade() -> None:
    plan = ROUGH | {"merchants.elsewhere": {"shifted": 1.0, "honest": 1.0, "after": "1 day"}}
    market = lived(scenario(plan), 200)
    market.count_books()
    assert (market.merchants.retreat == 100).sum() > 100
    assert all((column == np.floor(column)).all() for column in (market.merchants.wallet, market.merchants.shipped))


def test_what_owners_decide_moves_nobodys_luck() -> None:
    loud = {"merchants.advertising": {"run_up": 5.0, "pull": 3.0}, "merchants.elsewhere": {"shifted": 0.9}}
    one, other = lived(scenario(PROMOTION), 50), lived(scenario(PROMOTION | loud), 50)
    assert differing(one, other, (*TRAITS, "shock", "luck")) == {}
    assert "wallet" in differing(one, other, STATE)


# ------------------------------------------------------------------------------------------- promotions and prices


def day_of_the_sale(changes: dict[str, Any] | None = None) -> tuple[Market, npt.NDArray[Any], npt.NDArray[Any]]:
    """The market on the evening of the promotion, and each shop's sales of that day and of it without the promotion."""
    plan = ALONE | (changes or {})
    with_it, without = lived(scenario(plan | PROMOTION), 35), lived(scenario(plan), 35)
    eves = lived(scenario(plan | PROMOTION), 34), lived(scenario(plan), 34)
    pairs = zip((with_it, without), eves, strict=True)
    sold = [day.merchants.sales_total - eve.merchants.sales_total for day, eve in pairs]
    return with_it, sold[0], sold[1]


def test_those_who_join_gain_and_the_others_lose() -> None:
    market, sold, usual = day_of_the_sale({"merchants.number": 3000})
    m = market.merchants
    is_open, joined = m.status == 1, (m.promotion & TAKES_PART) > 0
    assert 0.3 < joined[is_open].mean() < 0.95
    assert sold[joined].sum() > 2.0 * usual[joined].sum()
    left = sold[is_open & ~joined].sum() / usual[is_open & ~joined].sum()
    assert left == pytest.approx(0.9, abs=0.05)
    assert m.promotion_fit[joined].mean() > 1.3 * m.promotion_fit[is_open & ~joined].mean()


def test_a_promotion_leaves_a_dip_behind() -> None:
    def after(share: float) -> float:
        plan = ALONE | PROMOTION | {"merchants.promotions.brought_forward": share}
        late, day = lived(scenario(plan), 45).merchants, lived(scenario(plan), 35).merchants
        return float((late.sales_total - day.sales_total).sum())

    assert after(0.6) < 0.95 * after(0.0)


def test_no_goods_no_part() -> None:
    """Where a shop must have all it will ever need in stock, fewer join than where nothing is asked."""
    open_door, _, _ = day_of_the_sale({"merchants.promotions.least_stock": 0.0})
    strict, _, _ = day_of_the_sale({"merchants.promotions.least_stock": 1.0})
    joined = [int(((market.merchants.promotion & TAKES_PART) > 0).sum()) for market in (open_door, strict)]
    assert joined[1] < 0.95 * joined[0]


def test_who_does_not_mean_to_join_buys_no_stock_for_it() -> None:
    dear = {"merchants.promotions": {"discount": 0.9}}
    plain, prepared, dearer = (
        lived(scenario(ALONE | changes), 30).merchants for changes in ({}, PROMOTION, PROMOTION | dear)
    )
    goods = [float((m.stock + m.on_order.sum(axis=0)).sum()) for m in (plain, prepared, dearer)]
    assert goods[1] > 1.05 * goods[0]
    assert goods[2] == pytest.approx(goods[0], rel=1e-6)


def test_a_promotion_on_the_first_day_is_joined_too() -> None:
    first = {"events": {"sale": {"date": "2012-02-15", "kind": "promotion", "lift": 3.0}}}
    with_it, without = (lived(scenario(ALONE | changes), 1).merchants for changes in (first, {}))
    assert with_it.sales_total.sum() > 1.5 * without.sales_total.sum()


def test_young_shops_sell_more_orders_for_less_revenue_and_leave_more_often() -> None:
    """The signs of B.4 V53, over the same shops with the same luck."""
    plan = {"lenders": {}, "calendar": {"start": "2012-02-15", "days": 150}, "merchants.number": 4000}
    plan |= {"merchants.entry": {"tenure": "40 days"}}
    cutting, plain = (lived(scenario(plan | {"merchants.entrants.cut": cut}), 150) for cut in (0.2, 0.0))
    a, b = cutting.merchants, plain.merchants
    young = (b.opened_day > plain.calendar[0].number - 60) & (b.status > 0)
    assert young.sum() > 1000
    assert a.sales_total[young].sum() < b.sales_total[young].sum()
    assert a.demand_mean[young].sum() > b.demand_mean[young].sum()
    assert (a.closed_day[young] > 0).sum() > (b.closed_day[young] > 0).sum()
