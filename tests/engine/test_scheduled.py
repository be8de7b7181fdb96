"""Loans repaid by instalments: the compiled day against the plain account, and what a market does with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from compiled_loan import Compiled, CompiledLine, compare, whole_fen
from sample_schedules import drawn, drawn_widely
from small import ROUGH, YUAN, Desk, lived, scenario

import sim
from sim.core.clock import day_number
from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, PAID_OFF
from sim.core.money import Rate
from sim.engine.day import plan_of_loan
from sim.lenders.account import Account, LoanTerms
from sim.lenders.instalments import PLANS, Repayment, due_dates, equal_instalment
from sim.lenders.schedule import live
from sim.results.run import Run

WITHOUT_SCHEDULE = ("order_loan", "revolving_line")


@kernel
def instalments_of(principal: Any, rate: Any, periods: Any, out: Any) -> None:
    for k in range(principal.size):
        out[k] = plan_of_loan.equal_instalment(principal[k], rate[k], periods[k])


@kernel
def due_days_of(opened: Any, number: Any, out: Any) -> None:
    for k in range(opened.size):
        out[k] = plan_of_loan.monthly_due(opened[k], number[k])


@pytest.mark.parametrize("seed", range(270))
def test_the_compiled_loan_is_the_plain_account_to_the_fen(seed: int) -> None:
    """Every day, over all products, rates, terms, prepayments and delays; the account has its own oracle."""
    terms, payments = drawn(seed)
    compare(Compiled(whole_fen(terms)), payments)


@pytest.mark.parametrize("seed", [seed for seed in range(500) if list(PLANS)[seed % len(PLANS)] != "sales_share"])
def test_late_fees_surcharges_sweeps_and_refunds_are_the_accounts_to_the_fen(seed: int) -> None:
    terms, payments = drawn_widely(seed)
    compare(Compiled(whole_fen(terms)), payments)


@pytest.mark.parametrize("seed", [seed for seed in range(1000) if list(PLANS)[seed % len(PLANS)] in WITHOUT_SCHEDULE])
def test_a_line_without_a_schedule_is_the_plain_account_to_the_fen(seed: int) -> None:
    """But that interest left when the principal is paid early is due at once (see `sim.engine.day.loan.fall_due`)."""
    terms, payments = drawn_widely(seed)
    if terms.order.index("principal") < terms.order.index("interest"):
        last = Account(terms).dates[-1]
        payments = {day: fen for day, fen in payments.items() if day >= last}
    compare(CompiledLine(whole_fen(terms)), payments)


@pytest.mark.parametrize("seed", range(60))
def test_a_kept_share_of_sales_is_the_plain_account_but_for_when_its_fee_is_paid(seed: int) -> None:
    """In the market the shop's sales pay it by themselves, so nothing of a day's share can be missed.

    The account splits each day's share by what was agreed, the market by what is left, so that rounding never piles
    up: the same fen a day and in the end, and between them a fee that is apart by no more than half a fen a day.
    """
    terms, payments = drawn_widely(seed * len(PLANS) + list(PLANS).index("sales_share"))
    terms = replace(whole_fen(terms), misuse_from=None, is_first=False)
    account, compiled, fee = Account(terms), Compiled(terms), 0
    while account.today < max(payments) and not account.closed:
        account.pass_day()
        shared, due = compiled.pass_day(), account.due_now()
        fee += account.pay(due).fee
        if account.today == account.dates[-1]:
            assert compiled.pay(due - shared) == 0
        else:
            assert shared == due
        compiled.end_day()
        assert compiled.standing()[1] == account.settles()
        days = (account.today - terms.start).days
        assert abs(int(compiled.loan["interest_paid"]) - fee) <= days / 2 + 1
    assert (compiled.loan["interest_paid"], compiled.loan["principal_paid"]) == (terms.fee_fen, terms.principal_fen)
    assert fee == terms.fee_fen
    assert compiled.loan["status"] == PAID_OFF


def test_equal_instalments_are_the_exact_ones() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    n = 20_000
    principal, periods = rng.integers(1, 2 * 10**9, n), rng.choice([3, 6, 9, 12, 24, 60], n)
    rate, found = rng.integers(0, 500_000, n), np.zeros(n, np.int64)
    instalments_of(principal, rate, periods, found)
    cases = zip(principal.tolist(), map(Rate, rate.tolist()), periods.tolist(), strict=True)
    exact = [equal_instalment(*case) for case in cases]
    assert found.tolist() == exact


def test_due_days_of_months_are_those_of_the_calendar() -> None:
    starts = [date(2008, 1, 1) + timedelta(days) for days in range(0, 3000, 7)] + [date(2012, 1, 31)]
    cases = [(start, number) for start in starts for number in (1, 2, 11, 12, 13, 60)]
    found = np.zeros(len(cases), np.int64)
    due_days_of(np.array([day_number(start) for start, _ in cases]), np.array([n for _, n in cases]), found)
    plan = PLANS["annuity"]
    assert plan.repayment is Repayment.EQUAL_INSTALMENTS
    assert found.tolist() == [day_number(due_dates(plan, start, n)[-1]) for start, n in cases]


# ------------------------------------------------------------------------------------------------- in the market

ALL = (
    "fixed_loan", "annuity", "equal_principal", "interest_only_bullet", "sales_share", "purchase_order", "warehouse",
    "joint_liability",
)  # fmt: skip


SECURED_FOR_DAYS = ("purchase_order", "warehouse")


def lent_as(product: str, **terms: Any) -> dict[str, Any]:
    """A bad time in which the lender offers nothing but this product, on terms that many meet."""
    offer = {"order_loan": None, "revolving_line": None, product: {"minimum": "500 yuan", **terms}}
    return ROUGH | {
        "calendar": {"start": "2012-02-15", "days": 320},
        "lenders.ali.products": offer,
        "lenders.ali.equity": "5 m yuan",
        "lenders.ali.products.revolving_line.term": None,
    }


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    short = {"term": "6 months"}
    own: dict[str, dict[str, Any]] = {name: {} if name in SECURED_FOR_DAYS else dict(short) for name in ALL}
    own["fixed_loan"]["least_share"] = 0.0
    own["sales_share"] |= {"minimum_share": 0.3}
    own["warehouse"] |= {"sell_after": "10 days"}
    return {name: sim.simulate(scenario(lent_as(name, **own[name])), seed=5, threads=1) for name in ALL}


@pytest.mark.parametrize("product", ALL)
def test_every_loan_of_a_run_adds_up(runs: dict[str, Run], product: str) -> None:
    """The books have closed every day of the run; here the tape."""
    run = runs[product]
    tape = run.loans
    assert set(tape["product"]) == {product}
    assert len(tape) > 100
    parts = tape["principal_paid_fen"] + tape["balance_fen"] + tape["written_off_fen"]
    assert (parts == tape["principal_fen"]).all()
    assert (tape["balance_fen"] >= 0).all()
    daily = run.daily
    assert int(daily["disbursed_fen"].sum()) == int(tape["principal_fen"].sum())
    assert int(daily["written_off_fen"].sum()) == int(tape["written_off_fen"].sum()) > 0
    assert int(daily["penalty_paid_fen"].sum()) == int(tape["penalty_paid_fen"].sum())
    closed = tape[tape["status"] == "closed"]
    assert (closed["balance_fen"] == 0).all()
    late = tape[tape["max_dpd"] > 0]
    assert len(late) > 5
    assert (late["first_due"] <= run.daily["date"].max()).all()


def test_the_first_instalment_is_the_first_payment(runs: dict[str, Run]) -> None:
    """Against the tape: loans whose first month was over 30 days before the end, and those whose first one waited."""
    run = runs["annuity"]
    tape = run.loans
    first = tape["opened"] + pd.DateOffset(months=1)
    matured = first + pd.Timedelta(days=30) <= run.daily["date"].max()
    missed = matured & (tape["first_due_unpaid_days"] >= 30)
    assert 0 < missed.sum() < matured.sum() < len(tape)
    assert run.summary["fpd30"] == missed.sum() / matured.sum()


def test_a_share_of_sales_costs_its_fee_and_nothing_else(runs: dict[str, Run]) -> None:
    tape = runs["sales_share"].loans
    fee = np.floor(tape["principal_fen"] * 0.1 + 0.5).astype(np.int64)
    closed = (tape["status"] == "closed") & (tape["refunded_fen"] == 0)
    assert closed.sum() > 50
    assert (tape["interest_paid_fen"][closed] == fee[closed]).all()
    owed = tape["accrued_fen"] + tape["interest_paid_fen"]
    is_open = tape["status"] == "active"
    assert (owed[is_open] == fee[is_open]).all()
    assert (tape["penalty_paid_fen"] == 0).all()
    days = runs["sales_share"].daily
    assert int(days["interest_fen"].sum()) == int(tape["interest_paid_fen"].sum())  # income is what was paid


def test_a_least_payment_that_is_missed_makes_a_share_of_sales_late() -> None:
    with_it, without = (
        sim.simulate(scenario(lent_as("sales_share", term="6 months", minimum_share=share)), seed=5, threads=1)
        for share in (0.3, 0.0)
    )
    late, usual = (int((run.loans["max_dpd"] > 0).sum()) for run in (with_it, without))
    assert late - usual > 4 * (late + usual) ** 0.5  # four standard errors of a difference of counts


def test_the_market_pays_an_annuity_as_its_plan_says() -> None:
    """A borrower with money for what is due, and never idle money, pays twelve instalments on their days."""
    plan = {
        "merchants.number": 300,
        "calendar": {"start": "2011-01-31", "days": 420},
        "merchants.borrowing.idle_buffer": "180 days",
        "lenders.ali.products": {"order_loan": None, "revolving_line": None, "annuity": {"term": "3 months"}},
    }
    tape = sim.simulate(scenario(plan), seed=2, threads=1).loans
    kept = tape[(tape["status"] == "closed") & (tape["closed"] == tape["due"]) & (tape["max_dpd"] == 0)]
    assert len(kept) > 50
    for loan in kept.itertuples():
        terms = LoanTerms("annuity", int(loan.principal_fen), Rate(180_000, "monthly"), 3, loan.opened.date())
        assert live(terms)[0].interest_paid == loan.interest_paid_fen


def test_prepayments_make_fewer_instalments_or_smaller_ones() -> None:
    plan = {"merchants.number": 400, "calendar.days": 300, "merchants.borrowing.habit_mean": 0.1}
    ends = {}
    for effect in ("shorter", "smaller"):
        offer = {"order_loan": None, "revolving_line": None, "annuity": {"prepayment": effect, "term": "9 months"}}
        tape = sim.simulate(scenario(plan | {"lenders.ali.products": offer}), seed=2, threads=1).loans
        early = tape[tape["status"] == "closed"]
        ends[effect] = float((early["closed"] - early["opened"]).dt.days.mean())
        assert len(early) > 50
    assert ends["shorter"] < ends["smaller"]


def test_a_fixed_loan_is_a_lump() -> None:
    plan = {
        "merchants.number": 3000,
        "calendar.days": 100,
        "lenders.ali.limit.multiple": 6,
        "lenders.ali.equity": "9 m yuan",
        "lenders.ali.products": {"fixed_loan": {"minimum": "1,000 yuan"}, "revolving_line": {}},
    }
    run = sim.simulate(scenario(plan), seed=2, threads=1)
    lumps = run.loans[run.loans["product"] == "fixed_loan"]
    assert len(lumps) > 10
    assert (lumps["principal_fen"] >= 1_000 * YUAN).all()
    asked = run.applications[run.applications["product"] == "fixed_loan"]
    given = asked[asked["granted_fen"] > 0]
    assert (given["granted_fen"] >= 0.2 * given["limit_fen"]).all()
    assert ((lumps["due"] - lumps["opened"]).dt.days >= 365).all()


# ------------------------------------------------------------------------------------- pledged stock, and groups


def test_loans_on_stock_never_exceed_what_the_stock_covers() -> None:
    """All loans of a shop together: what the stock no longer covers is paid the same day, or falls due."""
    plan = {
        "merchants.number": 500,
        "calendar.days": 90,
        "merchants.borrowing.habit_mean": 0.2,
        "lenders.ali.products": {"order_loan": None, "revolving_line": None, "warehouse": {"haircut": 0.4}},
    }
    market = lived(scenario(plan), 0)
    seen = several = 0
    while market.running:
        market.step()
        book, m = market.book, market.merchants
        own = book["status"] == ACTIVE
        rows, undue = book["row"][own], (book["balance"] - book["overdue"])[own]
        total, count = np.bincount(rows, undue, m.n), np.bincount(rows, minlength=m.n)
        # goods bought in the evening come on top of what the loans were measured against
        cover = 0.6 * m.stock.astype(np.float64) * m.order_value * (1.0 - m.margin)
        assert (total <= cover * 1.000001 + count).all()
        seen, several = seen + int((count > 0).sum()), several + int((count > 1).sum())
    assert seen > 500
    assert several > 100


def test_pledged_stock_is_sold_when_the_borrower_is_late() -> None:
    shops = {"sell_after": "5 days", "sale_discount": 0.3}
    sold, kept = (
        sim.simulate(scenario(lent_as("warehouse", **shops | {"sell_after": after})), seed=5, threads=1).loans
        for after in ("5 days", "360 days")
    )
    assert sold["written_off_fen"].sum() < kept["written_off_fen"].sum()


def groups_of(changes: dict[str, Any]) -> Run:
    return sim.simulate(scenario(lent_as("joint_liability", term="6 months", **changes)), seed=5, threads=1)


def test_groups_are_of_so_many_or_more_and_form_on_one_day() -> None:
    market = lived(scenario(lent_as("joint_liability", term="6 months", members=4)), 0)
    seen = 0
    for _ in range(60):
        market.step()
        book, today = market.book, market.calendar[market.day_index - 1].number
        new = book["opened"] == today
        group = market.book.schedules.records["group"][book["schedule"][new] - 1]
        numbers, sizes = np.unique(group, return_counts=True)
        assert (numbers > 0).all()
        assert ((sizes >= 4) & (sizes < 8)).all()
        seen += numbers.size
    assert seen > 20


def test_a_member_pays_for_a_late_one() -> None:
    """The same loans with and without the liability of the others: they carry part of what is lost without it."""
    joint, alone = groups_of({"peer_sanction": "0 yuan"}), sim.simulate(
        scenario(lent_as("annuity", term="6 months")), seed=5, threads=1
    )
    lost = [run.loans["written_off_fen"].sum() / run.loans["principal_fen"].sum() for run in (joint, alone)]
    assert lost[0] < 0.8 * lost[1]


# ------------------------------------------------------------------------------------------------ terms of lateness


@pytest.mark.parametrize(("paid_on", "nights"), [(12, 0), (13, 0), (14, 4), (20, 10)])
def test_days_of_grace_of_a_line_cost_nothing_unless_they_pass(paid_on: int, nights: int) -> None:
    desk = Desk(grace=3)
    desk.lend(10_000, days=10)
    desk.live_to(paid_on - 1)
    desk.give(20_000)
    desk.live_to(paid_on)
    loan = desk.loan()
    assert loan["balance"] == 0
    assert loan["penalty_paid"] == nights * 900  # 10,000 yuan at 1.5 x 0.06 % a day
    assert loan["interest_paid"] == 6_000
    assert loan["max_dpd"] == paid_on - 11


def test_overdue_interest_bears_the_penalty_rate_only_where_it_compounds() -> None:
    paid = {}
    for compounds in (0, 1):
        desk = Desk(compounds=compounds)
        desk.lend(10_000, days=100)
        desk.live_to(109)
        desk.give(20_000)
        desk.live_to(110)
        paid[compounds] = int(desk.loan()["penalty_paid"])
    assert paid == {0: 10 * 900, 1: 10 * 900 + 540}  # on 600 yuan of interest: 54 fen a day


def test_a_due_date_on_a_holiday_moves_to_the_next_working_day() -> None:
    """Loans of 60 days from 2 August 2011 fall due in the first week of October."""
    line = {"order_loan": None, "revolving_line": {"term": "60 days"}, "annuity": None}
    plan = {"merchants.number": 300, "calendar": {"start": "2011-08-01", "days": 12}}
    dues = {}
    for rule in ("none", "next_day"):
        changes = plan | {"lenders.ali.products": line, "lenders.ali.holidays": rule}
        tape = sim.simulate(scenario(changes), seed=2, threads=1).loans
        dues[rule] = {day.date() for day in tape["due"]}
    week = {date(2011, 10, day) for day in range(1, 8)}
    assert len(dues["none"] & week) > 3
    assert not dues["next_day"] & week
    assert date(2011, 10, 8) in dues["next_day"]


@pytest.mark.parametrize("product", ["annuity", "sales_share", "purchase_order"])
def test_interest_left_after_the_principal_stays_due_until_it_is_lost(product: str) -> None:
    """Principal first: what is left of interest keeps its age, and in the end is written off."""
    term = {"annuity": "3 months", "sales_share": "60 days", "purchase_order": "14 days"}[product]
    changes = lent_as(product, term=term) | {"lenders.ali.allocation": ["principal", "interest", "penalty"]}
    market = lived(scenario(changes), 300)
    book, plans = market.book, market.book.schedules.records[market.book["schedule"] - 1]
    bare = (book["status"] == ACTIVE) & (book["balance"] == 0) & (plans["number"] > plans["periods"])
    assert (book["unpaid_since"][bare] > 0).all()
    assert (market.book.schedules.records["n_unpaid"][book["schedule"][bare] - 1] > 0).all()
    assert (book["dpd"][bare] < market.lenders[0].spec.write_off_after).all()


def test_a_share_of_sales_pays_what_is_due_before_what_is_not() -> None:
    """While a least payment is unpaid, no fen of the day's share goes to principal that is not due."""
    changes = lent_as("sales_share", term="6 months", minimum_every="14 days", minimum_share=0.2)
    market, seen = lived(scenario(changes), 60), 0
    for _ in range(60):
        columns = ("loan_id", "unpaid_since", "overdue", "principal_paid")
        before = {loan[0]: loan[1:] for loan in zip(*(market.book[name].tolist() for name in columns), strict=True)}
        market.step()
        for loan_id, since, _, paid in zip(*(market.book[name].tolist() for name in columns), strict=True):
            was_since, was_due, was_paid = before.get(loan_id, (0, 0, 0))
            if since == was_since > 0 and paid > was_paid:  # the oldest due date is still unpaid
                seen += 1
                assert paid - was_paid <= was_due
    assert seen > 20


@pytest.mark.parametrize(("before", "after"), [(0, 30), (30, 0)])
def test_grace_is_what_was_agreed(before: int, after: int) -> None:
    """Other terms for new loans do not change the penalty of old ones."""
    desk = Desk(grace=before)
    desk.lend(10_000, days=10)
    desk.live_to(30)
    desk.grace = after
    desk.live_to(60)
    desk.give(50_000)
    desk.live_to(61)
    assert desk.loan()["penalty_paid"] == 51 * 900


def test_a_ceiling_sees_the_fee_of_a_share_of_sales() -> None:
    offer = {"order_loan": None, "revolving_line": None, "sales_share": {"fee": 0.1}}
    plan = {"merchants.number": 600, "calendar.days": 60, "lenders.ali.products": offer}
    rules = {"institutions.regulator": {"rules": "micro_loan_company", "breach": "refuse"}}
    free, held = (sim.simulate(scenario(plan | more), seed=2, threads=1) for more in ({}, rules))
    assert len(free.loans) > 50
    assert len(held.loans) < 0.2 * len(free.loans)
    assert (held.applications["reason_1"] == "rate_above_ceiling").sum() > 50
