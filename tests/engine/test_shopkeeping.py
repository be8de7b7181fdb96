"""What shopkeepers decide shows where lenders look: advertising, and sales off the platform."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from small import ROUGH, differing, lived, scenario

import sim
from sim.core.merchants import HONEST, OPEN, OPPORTUNIST, STATE, TRAITS
from sim.engine.market import Market
from sim.errors import ScenarioError
from sim.world.behaviour import Borrowing
from sim.world.diversion import diverts
from sim.world.promotions import TAKES_PART
from sim.world.shocks import LEAST_MARGIN

PROMOTION = {"events": {"sale": {"date": "2012-03-21", "kind": "promotion", "lift": 3.0}}}
ALONE: dict[str, Any] = {"lenders": {}, "calendar": {"start": "2012-02-15", "days": 60}}


def seen(market: Market, name: str) -> npt.NDArray[Any]:
    """A column as a lender sees it, of all merchants, after the last day."""
    day = market.calendar[market.day_index - 1]
    columns = market.observer.columns([name], slice(None), 0, "none", day.index, day.number)
    return columns[name]


def test_shops_advertise_more_before_a_promotion_and_lenders_see_it() -> None:
    with_it, without = lived(scenario(ALONE | PROMOTION), 35), lived(scenario(ALONE), 35)  # the eve of it
    spent, usual = seen(with_it, "advertising_mean_30d").sum(), seen(without, "advertising_mean_30d").sum()
    more = float(with_it.outlook.run_up[30, 0])
    assert more > 1.0 - 1.0 / 3.0
    # ten days of so much more, in a mean that forgets with a month
    assert spent / usual == pytest.approx(1.0 + more * (1.0 - (29.0 / 30.0) ** 10), rel=0.03)
    plain = ALONE | PROMOTION | {"merchants.advertising.run_up": 0.0}
    assert seen(lived(scenario(plain), 35), "advertising_mean_30d").sum() == pytest.approx(usual, rel=1e-3)


def test_advertising_brings_sales_with_diminishing_returns() -> None:
    def sales(**advertising: float) -> float:
        changes = {f"merchants.advertising.{name}": value for name, value in advertising.items()}
        return float(lived(scenario(ALONE | PROMOTION | changes), 34).merchants.sales_total.sum())

    nothing, some, more = sales(run_up=0.0), sales(run_up=1.5), sales(run_up=3.0)
    assert nothing < some < more
    assert more - some < some - nothing
    assert sales(run_up=3.0, pull=0.0) < some


def test_a_shop_saves_on_advertising_while_it_cannot_pay() -> None:
    slump = {"lenders": {}, "calendar": {"start": "2012-02-15", "days": 120}, "events": ROUGH["events"]}
    saving, spending = (lived(scenario(slump | {"merchants.advertising.short": s}), 110) for s in (1.0, 0.0))
    late = (saving.merchants.arrears > 0) & (spending.merchants.arrears > 0) & (saving.merchants.sales_mean_30d > 0)
    assert late.sum() > 20
    spent = [seen(market, "advertising_mean_30d")[late].sum() for market in (saving, spending)]
    sold = [market.merchants.sales_mean_30d[late].sum() for market in (saving, spending)]
    assert spent[0] / sold[0] < 0.9 * spent[1] / sold[1]


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
    market = lived(scenario(ROUGH), 0)
    m = market.merchants
    far = {HONEST: np.zeros(0, int), OPPORTUNIST: np.zeros(0, int)}
    ratios, usual = np.zeros(0), np.zeros(0)
    while market.running:
        market.step()
        late = (m.lender["dpd"][0] == 15) & (m.status == OPEN)
        for integrity in far:
            far[integrity] = np.append(far[integrity], m.retreat[late & (m.integrity == integrity)])
        ratio = seen(market, "off_platform_share") / np.maximum(m.off_platform, 1e-6)
        ratios, usual = np.append(ratios, ratio[late]), np.append(usual, ratio[m.retreat == 0][:50])
    assert min(column.size for column in far.values()) > 10
    assert far[HONEST].max() <= 25 < 60 < np.median(far[OPPORTUNIST])
    assert np.median(ratios) > 1.3 * np.median(usual)


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
    assert (market.merchants.retreat == 100).sum() > 30
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
    with_it, without = lived(scenario(plan | PROMOTION), 36), lived(scenario(plan), 36)
    eves = lived(scenario(plan | PROMOTION), 35), lived(scenario(plan), 35)
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
        late, day = lived(scenario(plan), 50).merchants, lived(scenario(plan), 36).merchants
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
        lived(scenario(ALONE | changes), 32).merchants for changes in ({}, PROMOTION, PROMOTION | dear)
    )
    goods = [float((m.stock + m.on_order.sum(axis=0)).sum()) for m in (plain, prepared, dearer)]
    assert goods[1] > 1.04 * goods[0]
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


# ----------------------------------------------------------------------------------------------- spells and washing


def test_small_shops_rest_more_and_orders_stop_while_they_do() -> None:
    market = lived(scenario(ALONE | {"merchants.number": 3000}), 0)
    m, rests = market.merchants, np.zeros(3000)
    sold_at_rest = 0.0
    while market.running:
        resting, before = (m.spell < 0).copy(), m.sales_total.copy()
        market.step()
        rests += resting
        sold_at_rest += float((m.sales_total - before)[resting].sum())
    lived_all = (m.status == OPEN) & (m.entry_day == market.calendar[0].number)
    small, large = lived_all & (m.base_orders < 1.0), lived_all & (m.base_orders > 20.0)
    assert min(small.sum(), large.sum()) > 50
    assert rests[small].mean() > 2.0 * rests[large].mean() > 0.0
    assert sold_at_rest == 0.0


def test_many_shops_close_for_the_spring_festival() -> None:
    plan = ALONE | {"calendar": {"start": "2012-01-10", "days": 30}}  # the festival was on 23 January
    at_rest = [float((lived(scenario(plan), day).merchants.spell < 0).mean()) for day in (9, 14)]
    assert at_rest[1] > at_rest[0] + 0.05
    without = lived(scenario(plan | {"merchants.spells.festival": 0.0}), 14)
    assert (without.merchants.spell < 0).mean() < at_rest[0] + 0.05


def test_a_hot_product_is_luck_and_sells() -> None:
    plan = ALONE | {"merchants.number": 3000}
    hot, plain = (lived(scenario(plan | {"merchants.spells.hot": chance}), 60).merchants for chance in (0.01, 0.0))
    assert hot.sales_total.sum() > 1.03 * plain.sales_total.sum()
    assert ((hot.spell > 0).sum()) > 30
    assert not (plain.spell > 0).any()


def test_spells_are_the_same_luck_for_every_strategy() -> None:
    """Of shops whose sales are not bounded by stock or credit, lenders change no spell."""
    plan = {"merchants.spells": {"orders_exponent": 0.0, "rest": 0.02, "hot": 0.01}}
    one, other = lived(scenario(plan), 50), lived(scenario(plan | {"lenders.ali.scoring.cutoff": 0.95}), 50)
    same = (one.merchants.status == OPEN) & (other.merchants.status == OPEN)
    assert np.array_equal(one.merchants.spell[same], other.merchants.spell[same])
    assert (one.merchants.spell < 0).sum() > 50
    assert "wallet" in differing(one, other, STATE)


def test_washers_in_want_of_money_fake_more() -> None:
    market = lived(scenario(ALONE | {"merchants.character.washers": 1.0}), 40)
    m = market.merchants
    chasing, calm = m.wash_level > 150, (m.wash_level == 100) & (m.status == OPEN)
    assert min(chasing.sum(), calm.sum()) > 50
    assert seen(market, "parcels")[chasing].mean() < seen(market, "parcels")[calm].mean()
    still = lived(scenario(ALONE | {"merchants.character.washers": 1.0, "merchants.washing.chase": 1.0}), 40)
    assert (still.merchants.wash_level[still.merchants.status == OPEN] == 100).all()


def test_washers_who_are_found_out_lie_low_and_their_signs_fade() -> None:
    policy = {"policy": "signals", "detection": 1.0}
    plan = ROUGH | {"lenders.ali.monitoring": policy, "merchants.character.wash_intensity": 0.3}
    market = lived(scenario(plan | {"lenders.ali.equity": "2 m yuan"}), 0, seed=6)
    m, flagged, found, before = market.merchants, market.merchants.lender["is_flagged"][0], 0, 0.0
    while market.running:
        was, signs = flagged.copy(), seen(market, "parcels") if market.day_index else np.ones(m.n)
        market.step()
        new = flagged & ~was & (m.wash > 0.1)
        assert (m.wash_level[new] == 0).all()
        found += int(new.sum())
        before += float((seen(market, "parcels") - signs)[new].sum())
    assert found > 10
    assert before / found > 0.05  # orders without parcels are gone


# ----------------------------------------------------------------------------------------------------- dated events


def test_fewer_ask_while_a_rumour_goes_round() -> None:
    rumour = {"events": {"rumour": {"date": "2012-03-10", "kind": "rumour", "size": 1.0, "days": 20}}}
    heard, plain = (
        sim.simulate(scenario({"calendar.days": 60} | changes), seed=3, threads=1).daily for changes in (rumour, {})
    )
    loud = (plain["date"] >= "2012-03-10") & (plain["date"] < "2012-03-20")
    assert np.array_equal(heard["applications"][:20], plain["applications"][:20])
    assert heard["applications"][loud.to_numpy()].sum() < 0.6 * plain["applications"][loud].sum()


def test_a_rival_marketplace_draws_orders_and_payments_away() -> None:
    rival = {"events": {"rival": {"date": "2012-02-20", "kind": "rival_marketplace", "size": 0.5, "days": 90}}}
    drawn, plain = lived(scenario(ALONE | rival), 50), lived(scenario(ALONE), 50)
    assert drawn.merchants.sales_total.sum() < 0.9 * plain.merchants.sales_total.sum()
    share = [float(np.median(seen(market, "off_platform_share"))) for market in (drawn, plain)]
    assert share[0] > 1.5 * share[1]
    ratio = [market.merchants.sales_mean_7d.sum() / market.merchants.demand_mean.sum() for market in (drawn, plain)]
    assert ratio[0] < 0.8 * ratio[1]  # less of what is ordered is seen on the platform


def test_a_regime_shift_costs_margins_and_leaves_orders() -> None:
    """From its day on the same sales mean worse prospects: what lenders see stays, who can pay does not."""
    shift = {"events": {"costs": {"date": "2012-02-25", "kind": "regime_shift", "size": 0.6}}}
    eve, plain_eve = lived(scenario(ALONE | shift), 10), lived(scenario(ALONE), 10)
    assert not differing(eve, plain_eve, (*TRAITS, *STATE))
    after, plain = (lived(scenario(ALONE | changes), 11) for changes in (shift, {}))
    assert after.merchants.margin == pytest.approx(plain.merchants.margin * 0.4, rel=1e-6)  # entrants to come as well
    grown = plain.merchants.opened_day < plain.calendar[0].number - 100  # who is new gives up a part of its margin
    for name in ("sales_mean_7d", "reputation"):
        assert np.array_equal(getattr(after.merchants, name)[grown], getattr(plain.merchants, name)[grown])
    late, plain_late = (lived(scenario(ALONE | changes), 60) for changes in (shift, {}))
    assert late.merchants.margin == pytest.approx(after.merchants.margin)  # once, and for good
    assert late.merchants.arrears.sum() > 1.3 * plain_late.merchants.arrears.sum()


def test_fakes_are_for_the_review_that_is_due() -> None:
    """More is faked on the eve of a review than after it, and not at all more by default."""
    faking = {"merchants.washing": {"before_review": 1.0, "chase": 2.5}, "lenders.ali.review.every": "30 days"}
    calendar = {"calendar": {"start": "2012-02-15", "days": 70}}
    eve, after, plain = (lived(scenario(calendar | changes), days)
                         for changes, days in ((faking, 60), (faking, 65), ({}, 60)))  # fmt: skip
    level = {}
    for name, market in (("eve", eve), ("after", after), ("plain", plain)):
        m = market.merchants
        who = (m.wash > 0) & m.lender["is_visible"][0] & (m.wash_level >= 100)
        level[name] = m.wash_level[who].mean()
    assert level["eve"] == 250
    assert level["after"] < 180
    assert level["plain"] < 180


def test_no_margin_goes_below_the_least() -> None:
    shift = {"events": {"costs": {"date": "2012-02-25", "kind": "regime_shift", "size": 1.0}}}
    assert (lived(scenario(ALONE | shift), 15).merchants.margin == np.float32(LEAST_MARGIN)).all()


def test_a_regime_shift_before_the_run_is_no_part_of_it() -> None:
    shift = {"events": {"costs": {"date": "2012-01-25", "kind": "regime_shift", "size": 0.6}}}
    assert not differing(lived(scenario(ALONE | shift), 5), lived(scenario(ALONE), 5), TRAITS)
    with pytest.raises(ScenarioError, match="needs size"):
        scenario({"events": {"one": {"date": "2012-03-10", "kind": "regime_shift"}}})


@pytest.mark.parametrize("kind", ["rumour", "rival_marketplace"])
def test_such_an_event_needs_its_size_and_length(kind: str) -> None:
    with pytest.raises(ScenarioError, match="needs size and days"):
        scenario({"events": {"one": {"date": "2012-03-10", "kind": kind}}})
