"""The evening's collection in small markets: what each action does to loans, shops and books, and what is written down.

The books close every day of every market here: `Market.step` raises where they do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from small import ROUGH, differing, lived, scenario

from sim.core.loanbook import ACTIVE, LOANS_A_MERCHANT, PROMISED, SUED, WRITTEN_OFF
from sim.core.merchants import CLOSING, OPEN
from sim.core.schedules import TREATMENTS
from sim.engine.after.collect import NEVER_AGAIN, NO_CREDIT
from sim.engine.after.hearing import PROMISED_OF_REACHED, REACHED
from sim.engine.market import Market
from sim.world.repayment import UNWILLING

NO_LADDER: dict[str, Any] = dict.fromkeys(("remind_before", "remind", "sweep", "close_shop", "blacklist"))
RIVAL: dict[str, Any] = {
    "products": {"revolving_line": {"term": "2 months", "rate": "0.06 %/day"}},
    "equity": "150000 yuan",
    "scoring.cutoff": 0.0,
    "eligibility.min_tenure": "0 days",
}


def rough(steps: dict[str, Any], **more: Any) -> Market:
    """A market in a bad time with a ladder of these steps alone, on its first morning; other keys as dotted paths."""
    changes = {name.replace("__", "."): value for name, value in more.items()} | {"merchants.repayment.asks": 0.0}
    return lived(scenario(ROUGH | {"lenders.ali.collection.steps": NO_LADDER | steps} | changes), 0)


@dataclass(frozen=True)
class Evening:
    """What was done on one evening: the loans by action, and the rows of the day's other tables."""

    day: int
    done: dict[str, npt.NDArray[np.int64]]
    tables: dict[str, Any]

    def of(self, market: Market, action: str) -> npt.NDArray[np.intp]:
        """Positions in the book of the loans about which something was done."""
        found = np.flatnonzero(np.isin(market.book["loan_id"], self.done.get(action, [])))
        assert found.size == self.done.get(action, np.zeros(0)).size
        return found


def evening(market: Market) -> Evening:
    """Live one day, and read what was written down of it."""
    market.step()
    tables = {name: table.to_pandas() for name, table in market.recorder.take().items()}
    day, done = market.calendar[market.day_index - 1], {}
    if "actions" in tables:
        rows = tables["actions"]
        assert set(rows["date"]) == {day.date}
        assert (rows["merchant_id"] == rows["loan_id"] // LOANS_A_MERCHANT).all()
        assert not rows.duplicated(["loan_id", "action"]).any()
        done = {action: np.sort(mine["loan_id"].to_numpy()) for action, mine in rows.groupby("action", observed=True)}
    return Evening(day.number, done, tables)


def evenings(market: Market, days: int) -> Iterator[Evening]:
    for _ in range(days):
        yield evening(market)


def first_time(action: str, step: dict[str, Any], **more: Any) -> tuple[Market, Market, Evening, Evening]:
    """A market and its twin without the step, on the first evening on which the step is taken."""
    market, twin = rough({"step": {"action": action, **step}}, **more), rough({}, **more)
    for _ in range(120):
        ours, theirs = evening(market), evening(twin)
        assert theirs.done == {}
        if ours.done:
            return market, twin, ours, theirs
    raise AssertionError("the step is never taken")


def record(market: Market, name: str, positions: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """A column that lenders keep of merchants, of the loans' own lenders and merchants."""
    return np.asarray(market.merchants.lender[name][market.book["lender"][positions], market.book["row"][positions]])


# ------------------------------------------------------------------------------------------------------------ calls


def test_calls_come_on_their_days_to_all_who_are_late_and_some_promise() -> None:
    market = rough({"call": {"action": "call", "after": "5 days", "every": "10 days", "until": "29 days"}})
    called: set[int] = set()
    first = promised = 0
    for today in evenings(market, 120):
        book = market.book
        is_its_day = (book["status"] == ACTIVE) & (book["unpaid_since"] > 0) & np.isin(book["dpd"], (5, 15, 25))
        assert set(today.done) <= {"call", "rings", "reached", "promises", "keeps", "breaks"}
        assert sorted(book["loan_id"][is_its_day].tolist()) == list(today.done.get("call", []))
        new = [place for place in today.of(market, "call") if int(book["loan_id"][place]) not in called]
        called |= set(today.done.get("call", np.zeros(0, int)).tolist())
        first += len(new)
        said = np.isin(book["loan_id"][new], today.done.get("promises", []))
        assert ((book["pressure"][new] & PROMISED) != 0).tolist() == said.tolist()
        promised += int(said.sum())
        held = book["loan_id"][(book["pressure"] & PROMISED) != 0]
        assert set(held.tolist()) <= called
    share = REACHED * PROMISED_OF_REACHED
    assert first > 60
    assert abs(promised - share * first) < 4.0 * np.sqrt(share * (1.0 - share) * first)


def test_a_call_is_a_contact_and_costs_what_its_step_says() -> None:
    cost = {"lenders__ali__costs__per_contact": "2 yuan"}
    market, twin, ours, theirs = first_time("call", {"after": "5 days", "cost": "3 yuan"}, **cost)
    n = ours.done["call"].size
    more = ours.tables["daily"]["operating_cost_fen"].sum() - theirs.tables["daily"]["operating_cost_fen"].sum()
    assert more == n * 500 > 0
    assert differing(market, twin, market.merchants.columns()) == {}  # and nothing else is moved that evening


# ------------------------------------------------------------------------------------------------- no credit, no shop


def test_a_suspended_borrower_gets_no_credit_for_a_year() -> None:
    market = rough({"stop": {"action": "suspend", "after": "4 days"}})
    since: dict[int, int] = {}
    for today in evenings(market, 199):
        asked = today.tables.get("applications")
        if asked is not None:
            assert not set(asked["merchant_id"]) & set(since)
        places = today.of(market, "suspend")
        assert (market.book["dpd"][places] == 4).all()
        assert (record(market, "refused_until", places) >= today.day + NO_CREDIT).all()
        since |= dict.fromkeys((market.book["loan_id"][places] // LOANS_A_MERCHANT).tolist(), today.day)
    assert len(since) > 60
    cured = market.merchants.lender["dpd"][0][np.isin(market.merchants.merchant_id, list(since))] == 0
    assert cured.sum() > 5  # of whom some have paid and would have asked again
    plain, again = rough({}), 0
    for today in evenings(plain, 199):
        asked = today.tables.get("applications")
        late = plain.merchants.lender["worst_dpd"][0] >= 4
        again += 0 if asked is None else int(asked["merchant_id"].isin(plain.merchants.merchant_id[late]).sum())
    assert again > 5


def test_a_suspension_takes_the_offer_away() -> None:
    market, twin, ours, _ = first_time("suspend", {"after": "4 days"}, lenders__ali__review__every="60 days")
    places = ours.of(market, "suspend")
    for name in ("limit_fen", "offer_until"):
        assert (record(market, name, places) == 0).all()
        assert (record(twin, name, places) > 0).any()
    moved = {"lender.limit_fen", "lender.offer_until", "lender.refused_until"}
    assert set(differing(market, twin, market.merchants.columns())) <= moved


def test_a_closed_shop_closes_that_evening_sells_nothing_and_never_opens_again() -> None:
    market = rough({"shut": {"action": "close_shop", "after": "10 days"}})
    shut: dict[int, float] = {}
    m = market.merchants
    was_open = m.status == OPEN
    for today in evenings(market, 199):
        rows = market.book["row"][today.of(market, "close_shop")]
        newly = np.unique(rows[was_open[rows]])
        assert (m.status[newly] == CLOSING).all()
        assert (m.closed_day[newly] == today.day).all()
        shut |= {int(row): float(m.sales_mean_30d[row]) for row in newly}
        assert (m.status[list(shut)] != OPEN).all()
        assert (m.reopen_day[list(shut)] == 0).all()
        was_open = m.status == OPEN
    assert len(shut) > 40
    old = [row for row in shut if m.closed_day[row] < today.day - 60]
    assert len(old) > 10
    assert all(m.sales_mean_30d[row] <= 0.2 * shut[row] for row in old)  # (29 / 30) ** 60 is 0.13


# --------------------------------------------------------------------------------------------------------- blacklist


@pytest.mark.parametrize("bureau", ["none", "negative"])
def test_the_blacklist_is_for_ever_and_for_all_who_read_it(bureau: str) -> None:
    rival = RIVAL | {"bureau": bureau, "collection.steps": NO_LADDER}
    more = {f"lenders__rival__{name.replace('.', '__')}": value for name, value in rival.items()}
    market = rough({"list": {"action": "blacklist", "after": "15 days"}}, **more)
    ali, listed = 0, np.zeros(0, np.int64)
    for today in evenings(market, 120):
        places = today.of(market, "blacklist")
        assert set(market.book["lender"][places].tolist()) <= {ali}
        listed = np.union1d(listed, market.book["row"][places]).astype(np.int64)
        assert (market.merchants.lender["refused_until"][ali, listed] == NEVER_AGAIN).all()
    there = market.merchants.lender["refused_until"][1, listed]
    assert listed.size > 20
    assert (there == NEVER_AGAIN).all() if bureau == "negative" else (there < NEVER_AGAIN).all()


def test_without_identity_some_come_back_under_another_name() -> None:
    half = {"lenders__ali__collection__identity": False, "merchants__repayment__evades": 0.5}
    market = rough({"list": {"action": "blacklist", "after": "15 days"}}, **half)
    n = evades = 0
    clean = np.zeros(0, np.int64)  # rows of those who came back yesterday, with no other loan that is late
    for today in evenings(market, 150):
        assert (market.merchants.lender["worst_dpd"][0, clean] == 0).all()
        places = today.of(market, "blacklist")
        is_known = record(market, "refused_until", places) == NEVER_AGAIN
        assert (record(market, "worst_dpd", places)[is_known] >= 15).all()
        for name in ("worst_dpd", "n_repaid"):
            assert (record(market, name, places)[~is_known] == 0).all()
        n, evades = n + places.size, evades + int(np.count_nonzero(~is_known))
        late = market.book["row"][(market.book["status"] == ACTIVE) & (market.book["unpaid_since"] > 0)]
        rows = market.book["row"][places[~is_known]]
        clean = rows[np.bincount(late, minlength=market.merchants.n)[rows] == 1].astype(np.int64)
    assert n > 50
    assert abs(evades - 0.5 * n) < 4.0 * np.sqrt(0.25 * n)


# ------------------------------------------------------------------------------------------------- help, law, sale


def test_help_raises_the_rating_of_the_shop_and_of_nothing_else() -> None:
    market, twin, ours, _ = first_time("help", {"after": "6 days", "share": 0.25})
    rows = np.unique(market.book["row"][ours.of(market, "help")])
    others = np.setdiff1d(np.arange(market.merchants.n), rows)
    ours_now, theirs = market.merchants.reputation, twin.merchants.reputation
    assert ours_now[rows] == pytest.approx(1.25 * theirs[rows], rel=1e-6)
    assert np.array_equal(ours_now[others], theirs[others])
    assert set(differing(market, twin, market.merchants.columns())) == {"reputation"}


def test_a_lawsuit_is_remembered_and_makes_the_unwilling_pay() -> None:
    heavy = {"merchants__repayment__sued": 1.0, "merchants__character__opportunists": 0.6}
    market, sued = rough({"sue": {"action": "legal", "after": "8 days"}}, **heavy), set[int]()
    unwilling = paid = 0
    for today in evenings(market, 199):
        book = market.book
        was_sued = np.isin(book["loan_id"], list(sued)) & (book["status"] == ACTIVE)
        assert ((book["pressure"][was_sued] & SUED) != 0).all()
        assert not (book["cause"][was_sued] == UNWILLING).any()
        paid += int(np.count_nonzero(np.isin(book["loan_id"], list(sued)) & (book["closed"] == today.day)))
        places = today.of(market, "legal")
        unwilling += int(np.count_nonzero(book["cause"][places] == UNWILLING))
        sued |= set(book["loan_id"][places].tolist())
        assert set(book["loan_id"][(book["pressure"] & SUED) != 0].tolist()) <= sued
    assert len(sued) > 60
    assert unwilling > 10
    assert paid > 10


def test_a_debt_is_sold_for_its_share_of_the_balance_and_is_gone() -> None:
    market, twin, ours, theirs = first_time("sell", {"after": "12 days", "share": 0.3})
    places, before = ours.of(market, "sell"), ours.of(twin, "nothing")
    assert before.size == 0
    book, old = market.book, twin.book
    here = np.array([np.flatnonzero(old["loan_id"] == loan)[0] for loan in book["loan_id"][places]])
    balance = old["balance"][here]
    assert (balance > 0).all()
    price = np.floor(balance * 0.3).astype(np.int64)
    assert (book["status"][places] == WRITTEN_OFF).all()
    assert (book["closed"][places] == ours.day).all()
    assert (book["treatment"][places] == TREATMENTS.index("sale")).all()
    assert np.array_equal(book["written_off"][places], balance)
    assert np.array_equal(book["recovered"][places], price)
    nothing = ("balance", "overdue", "accrued", "suspended", "penalty", "fee")
    assert not any(book[name][places].any() for name in nothing)
    daily = {name: ours.tables["daily"][name].sum() - theirs.tables["daily"][name].sum() for name in SALE}
    assert daily == {
        "written_off_fen": balance.sum(), "recovered_fen": price.sum(), "balance_fen": -balance.sum(),
        "balance_1_30_fen": -balance.sum(), "balance_performing_fen": -balance.sum(), "n_active": -places.size,
    }  # fmt: skip
    rows = np.unique(book["row"][places])
    open_now = np.bincount(book["row"][book["status"] == ACTIVE], minlength=market.merchants.n)
    owed = np.bincount(book["row"], book["balance"], market.merchants.n)
    assert np.array_equal(market.merchants.lender["n_open"][0, rows], open_now[rows])
    assert np.array_equal(market.merchants.lender["exposure_fen"][0, rows], owed[rows])
    market.count_books()


SALE = ("written_off_fen", "recovered_fen", "balance_fen", "balance_1_30_fen", "balance_performing_fen", "n_active")


def test_nothing_comes_back_to_the_lender_after_a_sale_and_a_run_adds_up() -> None:
    market = rough({"sell": {"action": "sell", "after": "12 days", "share": 0.3}})
    price: dict[int, int] = {}
    daily = dict.fromkeys(("written_off_fen", "recovered_fen"), 0)
    for today in evenings(market, 199):
        for name in daily:
            daily[name] += int(today.tables["daily"][name].sum())
        places = today.of(market, "sell")
        sold = (market.book[name][places].tolist() for name in ("loan_id", "recovered"))
        price |= dict(zip(*sold, strict=True))
    market.count_books()
    book = market.book
    lost = book["status"] == WRITTEN_OFF
    assert len(price) > 60
    assert dict(zip(book["loan_id"][lost].tolist(), book["recovered"][lost].tolist(), strict=True)) == price
    assert daily == {"written_off_fen": book["written_off"].sum(), "recovered_fen": sum(price.values())}


def test_orders_pledged_for_a_debt_that_is_sold_are_the_shops_again() -> None:
    """Returned orders make order loans late while other orders are still under way."""
    slow = {
        "merchants__trade__confirmation": "40 days", "lenders__ali__products__revolving_line": None,
        "merchants__repayment__forgets": 0.0,
    }  # fmt: skip
    market = rough({"sell": {"action": "sell", "after": "2 days", "share": 0.1}}, **slow)
    pledged = seen = 0
    for today in evenings(market, 120):
        places = today.of(market, "sell")
        under_way = market.book["pledged"][places].sum()
        pledged, seen = pledged + float(under_way), seen + int((market.book["pledged"][places].sum(axis=1) > 0).sum())
        old = market.book["pledged"][(market.book["status"] == WRITTEN_OFF) & (market.book["closed"] < today.day)]
        assert old.sum() == 0.0
    market.count_books()
    assert seen > 0
    assert pledged > 0.0
