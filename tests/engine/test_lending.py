"""From wish to loan: never more than is funded, rationing, offers, caps, waits, dated changes, run-off, cut-off."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import YUAN, lived, scenario

import sim
from sim.core import draws
from sim.core.loanbook import LOANS_A_MERCHANT, ORDER_LOAN, REVOLVING_LINE
from sim.core.merchants import OPEN
from sim.engine import lend
from sim.engine.lend import Requests, Wishes
from sim.engine.market import Market
from sim.results.rows import plain
from sim.results.run import Run

POOR: dict[str, Any] = {
    "merchants.number": 1000,
    "merchants.borrowing.habit_mean": 0.2,
    "calendar.days": 60,
    "lenders.ali.limit.multiple": 4,
}
FREEZE = {"freeze": {"date": "2012-03-10", "kind": "funding_freeze", "days": 20}}


def run(changes: dict[str, Any] | None = None, seed: int = 3) -> Run:
    return sim.simulate(scenario(changes), seed=seed, threads=1)


# ----------------------------------------------------------------------------------------- never more than is funded


@pytest.mark.parametrize(
    "changes",
    [
        {"lenders.ali.equity": "20000 yuan"},
        {"lenders.ali.equity": "60000 yuan", "lenders.ali.funding.order": "score"},
        {"lenders.ali.equity": "60000 yuan", "lenders.ali.funding.order": "profit"},
        {"lenders.ali.equity": "60000 yuan", "lenders.ali.funding.order": "pro_rata"},
        {"lenders.ali.equity": "30000 yuan", "lenders.ali.bank_debt.cap": "0 of net capital"},
        {"lenders.ali.equity": "20000 yuan", "lenders.ali.bank_debt.cap": "2 of net capital"},
        {"lenders.ali.equity": "10000 yuan", "lenders.ali.bank_debt.cap": "10 of net capital"},
        {"lenders.ali.equity": "60000 yuan", "events": FREEZE},
        {"lenders.ali.equity": "60000 yuan", "lenders.ali.costs.fixed_per_day": "300 yuan"},
        {"lenders.ali.equity": "200 yuan", "lenders.ali.costs.fixed_per_day": "300 yuan"},
    ],
    ids=[
        "poor", "by score", "by profit", "pro rata", "no bank", "cap 2", "cap 10", "freeze", "eaten by costs", "ruined"
    ],
)
def test_no_day_on_which_more_is_lent_than_is_funded(changes: dict[str, Any]) -> None:
    market = lived(scenario(POOR | changes), 0)
    lender = market.lenders[0]
    cap = lender.spec.bank_debt.cap
    while market.running:
        before = lender.bank_debt_fen
        market.step()
        day = market.calendar[market.day_index - 1].date
        assert lender.cash_fen >= 0, day
        assert lender.bank_debt_fen <= max(before, int(cap * max(lender.equity_fen, 0))), day
        assert lender.balance_fen <= lender.equity_fen + lender.bank_debt_fen + owed_and_set_aside(market), day
    table = plain(market.recorder.take()["daily"]).to_pandas()
    assert (table["balance_fen"] <= table["funds_fen"]).all()
    assert int(table["rejected_funds"].sum()) > 10


def owed_and_set_aside(market: Market) -> int:
    """Fen of other people's money: costs and interest not yet paid, and the allowance that lowers equity, not cash."""
    return sum(market.books.owed_fen("ali", name) for name in ("costs_payable", "interest_payable", "allowance")) + 4


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_bank_debt_stays_under_the_cap_on_the_first_days(seed: int) -> None:
    """Nothing is lost yet, but provisions for the loans of the day lower equity, and with it the cap."""
    changes = {"lenders.ali.equity": "20000 yuan", "lenders.ali.bank_debt.cap": "10 of net capital"}
    market = lived(scenario(changes), 0, seed)
    lender = market.lenders[0]
    for _ in range(3):
        market.step()
        assert lender.bank_debt_fen <= 10 * lender.equity_fen
    assert lender.bank_debt_fen > 0


def test_a_frozen_bank_lends_nothing_new() -> None:
    quiet, frozen = (run(POOR | {"lenders.ali.equity": "60000 yuan", "events": events}) for events in ({}, FREEZE))
    days = frozen.daily.set_index("date")["bank_debt_fen"]
    during = days["2012-03-10":"2012-03-29"]
    assert during.max() <= days["2012-03-09"]
    assert (during.diff().dropna() <= 0).all()
    assert quiet.daily.set_index("date")["bank_debt_fen"]["2012-03-10":"2012-03-29"].diff().max() > 0


def test_more_money_lends_more() -> None:
    lent = [int(run(POOR | {"lenders.ali.equity": f"{size} yuan"}).daily["disbursed_fen"].sum())
            for size in (20_000, 60_000, 10_000_000)]  # fmt: skip
    assert lent[0] < lent[1] < lent[2]


# -------------------------------------------------------------------------------------------------------- rationing


def short_days(changes: dict[str, Any]) -> list[pd.DataFrame]:
    """Approved applications of each day on which the money did not reach for all."""
    applications = run(POOR | {"lenders.ali.equity": "40000 yuan"} | changes).applications
    good = applications[applications["decision"] != "declined"]
    return [day for _, day in good.groupby("date") if day["decision"].nunique() == 2]


def test_short_money_goes_by_a_daily_lottery() -> None:
    days = short_days({})
    assert len(days) > 10
    luck_key = Market(scenario(POOR), rng=3).lenders[0].luck_key
    for day in days:
        number = (day["date"].iloc[0] - pd.Timestamp("2000-01-01")).days
        ids = day["merchant_id"].to_numpy()
        coin = draws.uniform(3, "lender.queue", number, ids, luck_key)
        is_served = (day["decision"] == "approved").to_numpy()
        assert coin[is_served].max() < coin[~is_served].min()
    # The lottery is no order of score or id.
    for column in ("score", "merchant_id"):
        served = pd.concat([day[day["decision"] == "approved"].assign(all=day[column].mean()) for day in days])
        assert served[column].mean() == pytest.approx(served["all"].mean(), rel=0.25)


def test_short_money_goes_by_score_if_the_lender_says_so() -> None:
    days = short_days({"lenders.ali.funding.order": "score"})
    assert len(days) > 10
    for day in days:
        is_served = day["decision"] == "approved"
        assert day.loc[is_served, "score"].min() >= day.loc[~is_served, "score"].max()


def test_short_money_goes_where_it_is_expected_to_earn_most() -> None:
    days = short_days({"lenders.ali.funding.order": "profit"})
    assert len(days) > 10
    for day in days:
        worth = day["score"] * day["rate_ppm_year"] / 1e6 - (1 - day["score"]) * 0.6
        is_served = day["decision"] == "approved"
        # whoever was passed over and would have earned more asked for more than each who was served after it
        least = day.loc[~is_served].assign(worth=worth)
        for better in least.itertuples():
            after = is_served & (worth < better.worth)
            assert (day.loc[after, "granted_fen"] <= better.asked_fen).all()


def test_short_money_is_cut_alike_for_all() -> None:
    days = short_days({"lenders.ali.funding.order": "pro_rata"})
    assert len(days) > 10
    for day in days:
        part = day["granted_fen"] / day["asked_fen"]
        assert (day["granted_fen"] % 10_000 == 0).all()
        # who gets nothing would have got less than a loan; the others get one share, less the steps they are cut to
        assert day.loc[day["decision"] == "no_funds", "asked_fen"].max() * part.max() < 50_000 + 10_000
        share = (day["granted_fen"] + 10_000) / day["asked_fen"]
        assert share[day["decision"] == "approved"].min() >= part.max() * 0.999


def test_who_goes_without_money_is_told_so_and_may_ask_again() -> None:
    applications = run(POOR | {"lenders.ali.equity": "40000 yuan"}).applications
    short = applications[applications["decision"] == "no_funds"]
    assert (short["granted_fen"] == 0).all()
    assert not short["accepted"].any()
    assert set(short["reason_1"]) == {"no_funds"}
    both = short.merge(applications, on="merchant_id", suffixes=("", "_next"))
    waits = (both["date_next"] - both["date"]).dt.days
    assert int(waits[waits > 0].min()) < 30


# ------------------------------------------------------------------------------------------------------------ offers


@pytest.fixture
def counter() -> Market:
    """A market before its first day whose shops are all known to the lender and have nothing shipped."""
    market = lived(scenario({"merchants.number": 50}), 0)
    m = market.merchants
    m.status[:], m.shipped[:] = OPEN, 0.0
    m.price_sensitivity[:], m.bother[:] = 1.0, 0.0
    m.lender["is_visible"][:] = True
    return market


def wish(market: Market, yuan: int, rows: Any = (0,), worth: float = 0.01, is_pressed: bool = False) -> Wishes:
    rows = np.array(rows)
    n = rows.size
    return Wishes(rows, np.full(n, yuan * YUAN), np.full(n, worth), np.full(n, is_pressed))


def choose(market: Market, wishes: Wishes, today: int) -> dict[int, Requests]:
    """The requests of every lender when all shops get through to all of them."""
    reaches = {lender.index: np.ones(wishes.rows.size, np.bool_) for lender in market.lenders}
    return lend.choose_offers(market.merchants, market.book, wishes, market.lenders, reaches, today)


def asked(market: Market, wishes: Wishes, today: int) -> tuple[int, ...]:
    """What is asked of the first lender, fen."""
    return tuple(choose(market, wishes, today)[0].asked_fen.tolist())


def test_an_offer_binds_for_thirty_days_and_then_lapses(counter: Market) -> None:
    own, today = counter.merchants.lender, 4_500
    own["limit_fen"][0, 0], own["offer_until"][0, 0] = 3_000 * YUAN, today + 30
    want = wish(counter, 8_000)
    assert asked(counter, want, today + 30) == (3_000 * YUAN,)
    # With no offer the shop asks for what it wants, and the lender decides anew.
    assert asked(counter, want, today + 31) == (8_000 * YUAN,)


def test_reviews_and_approvals_make_offers_that_last_as_long_as_the_lender_says() -> None:
    for days, changes in ((30, {}), (12, {"lenders.ali.offer_validity": "12 days"})):
        market = lived(scenario(changes), 1)
        own, first = market.merchants.lender, market.calendar[0].number
        has_limit = own["is_visible"][0] & (own["limit_fen"][0] > 0)
        assert int(has_limit.sum()) > 100
        assert set(own["offer_until"][0][has_limit]) == {first + days}
    market.run_days(3)
    has_offer = own["offer_until"][0][has_limit]
    assert has_offer.max() <= first + 3 + 12


def test_what_is_owed_on_the_line_comes_off_the_offer(counter: Market) -> None:
    own, today = counter.merchants.lender, 4_500
    own["limit_fen"][0, :2], own["offer_until"][0, :2] = 3_000 * YUAN, today + 30
    own["line_fen"][0, 0] = own["exposure_fen"][0, 0] = 1_950 * YUAN
    assert asked(counter, wish(counter, 8_000, (0, 1)), today) == (1_000 * YUAN, 3_000 * YUAN)


def test_orders_under_way_bound_an_order_loan(counter: Market) -> None:
    m, today = counter.merchants, 4_500
    m.lender["offer_until"][0, :] = today  # an offer of nothing on the line
    m.shipped[:, 0] = 500 * YUAN
    requests = choose(counter, wish(counter, 8_000), today)[0]
    assert (requests.product.tolist(), requests.asked_fen.tolist()) == ([ORDER_LOAN], [1_800 * YUAN])


@pytest.mark.parametrize(
    "column", [("refused_until", 4_500), ("dpd", 1), ("is_visible", False)], ids=lambda column: column[0]
)
def test_whom_the_door_is_closed_to(counter: Market, column: tuple[str, Any]) -> None:
    assert asked(counter, wish(counter, 1_000), 4_500) == (1_000 * YUAN,)
    counter.merchants.lender[column[0]][0, 0] = column[1]
    assert asked(counter, wish(counter, 1_000), 4_500) == ()
    assert (asked(counter, wish(counter, 1_000), 4_501) == ()) is (column[0] != "refused_until")


def test_a_loan_that_does_not_pay_is_not_asked_for_except_in_need(counter: Market) -> None:
    price = 0.0006
    assert asked(counter, wish(counter, 1_000, worth=price * 1.01), 4_500) == (1_000 * YUAN,)
    assert asked(counter, wish(counter, 1_000, worth=price * 0.5), 4_500) == ()
    assert asked(counter, wish(counter, 1_000, worth=0.0, is_pressed=True), 4_500) == (1_000 * YUAN,)
    counter.merchants.bother[0] = 1_000 * YUAN
    assert asked(counter, wish(counter, 1_000), 4_500) == ()


def test_the_cheaper_lender_is_asked() -> None:
    rival = {"equity": "2 m yuan", "products": {"revolving_line": {"rate": "0.03 %/day"}}}
    market = lived(scenario({"merchants.number": 20, "lenders.rival": rival}), 0)
    m = market.merchants
    m.lender["is_visible"][:] = True
    m.shipped[:] = 0.0
    want = wish(market, 1_000, worth=0.05)
    found = choose(market, want, 4_500)
    assert (found[0].rows.size, found[1].rows.size) == (0, 1)
    m.lender["refused_until"][1, 0] = 4_600
    found = choose(market, want, 4_500)
    assert (found[0].rows.size, found[1].rows.size) == (1, 0)


# ------------------------------------------------------------------------------------------------- caps and amounts


@pytest.fixture(scope="module")
def wide() -> Run:
    """Two lenders, small joint caps, loans of both products."""
    rival = {"equity": "2 m yuan", "joint_cap": "5000 yuan", "products": {"revolving_line": {"rate": "18 %/year"}}}
    changes = {"lenders.ali.joint_cap": "6000 yuan", "lenders.ali.limit.multiple": 4, "lenders.rival": rival}
    return run({"merchants.number": 1500} | changes)


def test_no_borrower_ever_owes_a_lender_more_than_the_joint_cap() -> None:
    changes = {"lenders.ali.joint_cap": "6000 yuan", "lenders.ali.limit.multiple": 4, "merchants.number": 1500}
    market = lived(scenario(changes), 0)
    most = both = 0
    while market.running:
        market.step()
        book, m = market.book, market.merchants
        owed = np.bincount(book["row"], book["balance"], m.n)
        assert owed.max() <= 6_000 * YUAN
        most = max(most, int(owed.max()))
        lines = np.bincount(book["row"], book["balance"] * (book["product"] == REVOLVING_LINE), m.n)
        both = max(both, int(((lines > 0) & (owed > lines)).sum()))
        assert np.array_equal(lines, m.lender["line_fen"][0])
    assert most > 5_500 * YUAN
    assert both > 0  # merchants with loans of both kinds at once


def test_amounts_are_whole_hundreds_within_the_terms(wide: Run) -> None:
    loans = wide.loans
    assert (loans["principal_fen"] % (100 * YUAN) == 0).all()
    assert (loans["principal_fen"] >= 100 * YUAN).all()
    assert set(loans["lender"]) == {"ali", "rival"}
    assert (loans.loc[loans["lender"] == "rival", "principal_fen"] <= 5_000 * YUAN).all()
    term = (loans["due"] - loans["opened"]).dt.days
    assert set(term[loans["product"] == "order_loan"]) == {30}
    assert term[loans["product"] == "revolving_line"].between(181, 184).all()


def test_a_shop_asks_one_lender_for_one_loan_a_day(wide: Run) -> None:
    assert not wide.applications.duplicated(["date", "merchant_id"]).any()


def test_loans_are_numbered_by_merchant(wide: Run) -> None:
    loans = wide.loans.sort_values("loan_id")
    assert (loans["loan_id"] // LOANS_A_MERCHANT == loans["merchant_id"]).all()
    number = loans["loan_id"] % LOANS_A_MERCHANT
    assert (number == loans.groupby("merchant_id").cumcount() + 1).all()
    assert (loans.groupby("merchant_id")["opened"].diff().dropna().dt.days >= 1).all()
    firsts = loans[loans["is_first"]]
    assert not firsts.duplicated(["lender", "merchant_id"]).any()
    assert len(firsts) == len(loans.drop_duplicates(["lender", "merchant_id"]))


def test_granted_never_exceeds_what_was_asked_or_the_limit(wide: Run) -> None:
    a = wide.applications
    assert (a["granted_fen"] <= a["asked_fen"]).all()
    on_line = a["product"] == "revolving_line"
    assert (a.loc[on_line, "granted_fen"] <= a.loc[on_line, "limit_fen"]).all()
    assert (a.loc[a["decision"] == "approved", "granted_fen"] > 0).all()
    assert (a.loc[a["decision"] != "approved", "granted_fen"] == 0).all()


def test_orders_are_pledged_once_and_cover_the_loan() -> None:
    market = lived(scenario({"merchants.number": 800}), 0)
    seen = 0
    while market.day_index < 40:
        chains = market.merchants.shipped.sum(axis=0)
        market.step()
        book, today = market.book, market.calendar[market.day_index - 1].number
        new = np.flatnonzero((book["opened"] == today) & (book["product"] == ORDER_LOAN))
        value = book["pledged"][new].sum(axis=1)
        # Whole fen are taken of every stage, so that rounding may leave a stage a fen short.
        assert (book["principal"][new] <= np.ceil(value * 0.9) + 4).all()
        assert (value <= book["principal"][new] / 0.9 + 1).all()
        assert chains.size == market.merchants.n
        seen += new.size
    assert seen > 100


# ---------------------------------------------------------------------------------------------------- who is refused


def test_the_refused_wait_thirty_days() -> None:
    applications = run({"lenders.ali.scoring.cutoff": 0.93, "merchants.number": 2000}).applications
    declined = applications[applications["decision"] == "declined"]
    assert len(declined) > 50
    later = declined.merge(applications, on="merchant_id", suffixes=("", "_next"))
    waits = (later["date_next"] - later["date"]).dt.days
    waits = waits[waits > 0]
    assert int(waits.min()) == 31
    assert (declined["reason_1"] == "score_below_cutoff").any()
    assert declined["reason_1"].notna().all()
    assert (declined.loc[declined["reason_1"] == "score_below_cutoff", "score"] < 0.93).all()


def test_a_tighter_cut_off_approves_a_subset() -> None:
    """The same applicants on the same day, under cut-offs that rise."""
    market = lived(scenario({"merchants.number": 2000, "lenders.ali.scoring.cutoff": 0.0}), 40)
    m, lender, day = market.merchants, market.lenders[0], market.calendar[39]
    rows = np.flatnonzero(m.lender["is_visible"][0])
    columns = market.observer.columns(lender.needs, rows, 0, "none", day.index, day.number)
    approved: list[set[int]] = []
    for cutoff in (0.0, 0.8, 0.9, 0.95, 0.99):
        spec = lender.spec.applying({"scoring.cutoff": cutoff})
        lender._become(spec)
        decided = lender.decide(
            columns, m.merchant_id[rows], np.full(rows.size, REVOLVING_LINE, np.int8),
            np.full(rows.size, 1_000 * YUAN), np.zeros(rows.size, np.int64), 3,
            lender.context(day.date, day.number, 10**12),
        )  # fmt: skip
        approved.append(set(m.merchant_id[rows][decided.granted_fen > 0].tolist()))
    assert all(tight <= loose for loose, tight in pairwise(approved))
    sizes = [len(ids) for ids in approved]
    assert sizes[0] > sizes[2] > sizes[4]


def test_a_tighter_cut_off_lends_less_and_on_the_first_day_to_a_subset() -> None:
    loose, tight = (run({"merchants.number": 2000, "lenders.ali.scoring.cutoff": cut}) for cut in (0.6, 0.95))
    first = loose.applications["date"].min()
    ids = [
        set(a.loc[(a["date"] == first) & (a["decision"] == "approved"), "merchant_id"])
        for a in (loose.applications, tight.applications)
    ]
    assert ids[1] < ids[0]
    assert int(tight.daily["disbursed_fen"].sum()) < int(loose.daily["disbursed_fen"].sum())
    assert int(tight.daily["approvals"].sum()) < int(loose.daily["approvals"].sum())


# ----------------------------------------------------------------------------------------------------- dates and doors

DAY = pd.Timestamp("2012-03-20")  # day 34 of tiny: between two weekly reviews, of which day 35 is one


def changed(settings: dict[str, Any], **more: Any) -> Run:
    return run({"lenders.ali.changes": {"new": {"date": "2012-03-20", "set": settings}}} | more)


@pytest.fixture(scope="module")
def unchanged() -> Run:
    return run()


def test_a_new_price_holds_from_its_day_for_new_loans_only(unchanged: Run) -> None:
    new = changed({"products.order_loan.rate": "0.055 %/day"})
    orders = new.loans[new.loans["product"] == "order_loan"]
    before, after = orders[orders["opened"] < DAY], orders[orders["opened"] >= DAY]
    assert (before["opened"].max(), after["opened"].min()) == (DAY - pd.Timedelta(days=1), DAY)
    assert (set(before["rate_ppm_year"]), set(after["rate_ppm_year"])) == ({182_500}, {200_750})
    same = unchanged.daily["date"] < DAY
    pd.testing.assert_frame_equal(new.daily[same], unchanged.daily[same])


def test_a_new_cut_off_holds_from_its_day() -> None:
    new = changed({"scoring.cutoff": 1.0})
    assert int(new.daily.loc[new.daily["date"] >= DAY, "approvals"].sum()) == 0
    assert int(new.daily.loc[new.daily["date"] == DAY - pd.Timedelta(days=1), "approvals"].sum()) > 0
    assert int(new.daily.loc[new.daily["date"] == DAY, "applications"].sum()) > 0


def test_a_product_that_ends_is_lent_no_more_but_its_loans_go_on() -> None:
    new = changed({"products.order_loan.enabled": False})
    orders = new.loans[new.loans["product"] == "order_loan"]
    assert orders["opened"].max() == DAY - pd.Timedelta(days=1)
    assert int((orders["closed"] > DAY).sum()) > 10
    assert int((new.loans["opened"] >= DAY).sum()) > 0


def test_a_door_that_closes_is_closed_on_its_day() -> None:
    new = changed({"eligibility.invited": 0.0})
    assert int(new.daily.loc[new.daily["date"] < DAY, "applications"].sum()) > 0
    assert int(new.daily.loc[new.daily["date"] >= DAY, "applications"].sum()) == 0


def test_another_day_count_holds_for_new_loans_and_the_books_still_close() -> None:
    new = changed({"products.order_loan.rate": "0.05 %/day (360)", "products.revolving_line.rate": "18 %/year (360)"})
    after = new.loans[(new.loans["opened"] >= DAY) & (new.loans["product"] == "order_loan")]
    assert set(after["rate_ppm_year"]) == {180_000}


def test_a_penalty_that_changes_holds_for_running_loans() -> None:
    harsher = {"new": {"date": "2012-03-20", "set": {"penalty_multiple": 2}}}
    market = lived(scenario({"lenders.ali.changes": harsher}), 34)
    assert market.terms.penalty_permille.tolist() == [1500]
    market.step()
    assert market.terms.penalty_permille.tolist() == [2000]


def test_no_loans_in_the_run_off_and_the_book_runs_down() -> None:
    done = run({"calendar.run_off": 30})
    last = done.daily["date"].max()
    originated = done.daily[done.daily["disbursed_fen"] > 0]["date"].max()
    assert originated == last - pd.Timedelta(days=30)
    assert int(done.daily.iloc[-30:][["disbursed_fen", "applications"]].sum().sum()) == 0
    balance = done.daily["balance_fen"]
    assert balance.iloc[-1] < 0.8 * balance.iloc[-31]
    assert balance.iloc[-30:].is_monotonic_decreasing
    orders = done.loans[(done.loans["product"] == "order_loan") & (done.loans["max_dpd"] == 0)]
    assert set(orders["status"]) == {"closed"}


def test_nobody_gets_in_during_an_outage() -> None:
    outage = {"broken": {"date": "2012-03-20", "kind": "outage", "days": 5}}
    done = run({"events": outage}).daily.set_index("date")["applications"]
    assert int(done["2012-03-20":"2012-03-24"].sum()) == 0
    assert done["2012-03-19"] > 0
    assert done["2012-03-25"] > 0


def test_an_outage_of_one_lender_leaves_the_other_open() -> None:
    rival = {"equity": "2 m yuan", "products": {"revolving_line": {"rate": "18 %/year"}}}
    outage = {"broken": {"date": "2012-03-20", "kind": "outage", "days": 5, "lender": "rival"}}
    done = run({"events": outage, "lenders.rival": rival}).daily.set_index(["lender", "date"])["applications"]
    assert int(done["rival"]["2012-03-20":"2012-03-24"].sum()) == 0
    assert int(done["ali"]["2012-03-20":"2012-03-24"].min()) > 0


def test_only_the_eligible_ask() -> None:
    bar = {"min_tenure": "400 days", "min_monthly_sales": "20000 yuan", "platforms": ["tmall"]}
    done = run({"merchants.number": 4000, "lenders.ali.eligibility": bar, "lenders.ali.scoring.cutoff": 0.0})
    asked_ = done.applications.merge(done.merchants, on="merchant_id")
    assert len(asked_) > 5
    assert set(asked_["platform"]) == {"tmall"}
    assert ((asked_["date"] - asked_["opened"]).dt.days >= 400).all()


def test_invitation_is_a_stable_draw_and_widens() -> None:
    """Who is invited at 30 % is invited at 60 % too, and about so many are."""
    shown = []
    for share in (0.3, 0.6, 1.0):
        market = lived(scenario({"merchants.number": 4000, "lenders.ali.eligibility.invited": share}), 1)
        shown.append(market.merchants.lender["is_visible"][0].copy())
    assert (shown[0] <= shown[1]).all()
    assert (shown[1] <= shown[2]).all()
    total = shown[2].sum()
    assert shown[0].sum() / total == pytest.approx(0.3, abs=0.03)
    assert shown[1].sum() / total == pytest.approx(0.6, abs=0.03)
