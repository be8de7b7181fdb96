"""Schedules: the vectors of facts C, an independent oracle in decimal, and what always holds of an account."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from decimal_oracle import Oracle
from hypothesis import given
from hypothesis import strategies as st
from sample_schedules import WITH_INTEREST, drawn

from sim.core.money import Rate, parse_rate
from sim.lenders.account import Account, LoanTerms
from sim.lenders.annual_cost import of_dates, of_periods
from sim.lenders.instalments import thirtieths
from sim.lenders.schedule import live, summarise

NEW_YEAR = date(2012, 1, 1)


def loan(product: str, yuan: int, rate: str, periods: int, **more: Any) -> LoanTerms:
    return LoanTerms(product, yuan * 100, parse_rate(rate), periods, more.pop("start", NEW_YEAR), **more)


def figures(terms: LoanTerms, *payments: tuple[date, int]) -> dict[str, Any]:
    account, rows = live(terms, payments)
    return summarise(terms, account, rows)


# ----------------------------------------------------------------------------------------------- vectors of facts C


def test_equal_instalments_of_facts_c2() -> None:
    terms = loan("annuity", 100_000, "1.5 %/month", 12, start=date(2012, 1, 31))
    account, rows = live(terms)
    found = summarise(terms, account, rows)
    assert (found["instalment"], found["total_interest"]) == (9168.00, 10015.99)
    assert (rows[0].paid.interest, rows[0].paid.principal) == (150_000, 766_800)
    months = sum(row.paid.principal * row.n for row in rows) / terms.principal_fen
    assert months == pytest.approx(6.68, abs=0.005)
    assert [row.date.day for row in rows[:3]] == [29, 31, 30]
    assert [row.paid.total for row in rows[:-1]] == [916_800] * 11  # the residue is in the last one only
    assert (found["apr"], found["ear"]) == (pytest.approx(0.18, abs=1e-6), pytest.approx(0.1956, abs=5e-5))


def test_equal_principal_and_interest_only_of_facts_c2() -> None:
    falling = figures(loan("equal_principal", 100_000, "1.5 %/month", 12))
    assert (falling["total_interest"], falling["instalment"]) == (9750.00, None)
    assert figures(loan("interest_only_bullet", 100_000, "1.5 %/month", 12))["total_interest"] == 18000.00


def test_simple_daily_interest_and_its_refund_of_facts_c1() -> None:
    line = loan("revolving_line", 50_000, "0.06 %/day", 6, is_first=True)
    on_time = figures(line, (NEW_YEAR + timedelta(3), 5_009_000))
    assert (on_time["interest_refunded"], on_time["total_interest"], on_time["total_paid"]) == (90.0, 0.0, 50_000.0)
    too_late = figures(line, (NEW_YEAR + timedelta(4), 5_012_000))
    assert (too_late["interest_refunded"], too_late["total_interest"]) == (0.0, 120.0)
    same_day = figures(line, (NEW_YEAR, 5_000_000))
    assert (same_day["total_paid"], same_day["total_interest"], same_day["end"]) == (50_000.0, 0.0, NEW_YEAR)


def test_penalty_of_facts_c3_takes_the_place_of_interest() -> None:
    due = NEW_YEAR + timedelta(30)
    late = figures(loan("order_loan", 10_000, "0.05 %/day", 30), (due, 0), (due + timedelta(20), 2_000_000))
    assert (late["total_penalty"], late["total_interest"]) == (150.00, 150.00)


def test_days_of_grace_cost_nothing_unless_they_pass() -> None:
    due = NEW_YEAR + timedelta(30)
    terms = loan("order_loan", 10_000, "0.05 %/day", 30, grace_days=3)
    in_time, late = (figures(terms, (due, 0), (due + timedelta(n), 2_000_000)) for n in (3, 4))
    assert (in_time["total_penalty"], late["total_penalty"]) == (0.0, 30.0)


def test_a_share_of_sales_of_facts_c2() -> None:
    price = {"fee_fen": 140_000, "daily_sales_fen": 200_000, "sales_permille": 140}
    terms = loan("sales_share", 10_000, "0 %/year", 365, **price)
    account, rows = live(terms)
    assert len(rows) == 41  # 40.7 days
    assert sum(row.paid.fee for row in rows) == 140_000
    assert summarise(terms, account, rows)["apr"] == pytest.approx(2.35, abs=0.005)  # 0.644 % a day


def test_annual_cost_of_facts_c5() -> None:
    cost = of_periods(100, [1.5, 1.5, 101.5], 12)  # type: ignore[list-item]
    assert (cost.apr, cost.ear) == (pytest.approx(0.18), pytest.approx(0.195618, abs=1e-6))
    a_year = of_dates(NEW_YEAR, 100, [(NEW_YEAR + timedelta(365), 110)], 365)
    assert (a_year.apr, a_year.ear) == (pytest.approx(0.1), pytest.approx(0.1))
    lost = of_dates(NEW_YEAR, 100, [(NEW_YEAR + timedelta(9), 0)], 365)
    assert lost.ear == -1.0
    assert of_dates(NEW_YEAR, 100, [(NEW_YEAR, 100)], 365).apr is None


@pytest.mark.parametrize("days", [28, 29, 30, 31])
def test_a_month_of_any_length_is_thirty_thirtieths(days: int) -> None:
    passed = [thirtieths(day, days) for day in range(days + 1)]
    assert (passed[0], passed[-1]) == (0, 30)
    assert passed == sorted(passed)
    assert passed[1:28] == list(range(1, 28))


def test_a_prepayment_shortens_the_loan_or_makes_it_smaller() -> None:
    paid = (date(2012, 3, 15), 3_000_000)
    shorter, smaller = (
        live(loan("annuity", 100_000, "1.5 %/month", 6, prepayment=effect), [paid])
        for effect in ("shorter", "smaller")
    )
    assert shorter[0].closed == date(2012, 6, 1)
    assert smaller[0].closed == date(2012, 7, 1)
    assert shorter[1][3].paid.total == shorter[1][0].paid.total > smaller[1][3].paid.total


# ------------------------------------------------------------------------------------------------------- the oracle

# Days off in the years of the draws: 1 January, Spring Festival week, 1 to 3 May, 1 to 7 October, two lunar festivals.
LUNAR = {2010: (214, 616, 922), 2011: (203, 606, 912), 2012: (123, 623, 930), 2013: (210, 612, 919),
         2014: (131, 602, 908), 2015: (219, 620, 927)}  # fmt: skip
DAYS_OFF = frozenset(
    first + timedelta(n)
    for year, (spring, dragon, moon) in LUNAR.items()
    for first, days in (
        (date(year, 1, 1), 1), (date(year, *divmod(spring, 100)), 7), (date(year, 5, 1), 3),
        (date(year, *divmod(dragon, 100)), 1), (date(year, *divmod(moon, 100)), 1), (date(year, 10, 1), 7),
    )
    for n in range(days)
)  # fmt: skip


@pytest.mark.parametrize("seed", range(270))
def test_the_oracle_says_the_same_to_the_fen(seed: int) -> None:
    terms, payments = drawn(seed)
    account, rows = live(terms, list(payments.items()))
    expected = Oracle(
        terms.product, Decimal(terms.principal_fen) / 100, terms.rate.ppm_year, terms.rate.basis, terms.periods,
        terms.start, {day: Decimal(fen) / 100 for day, fen in payments.items()},
        terms.prepayment == "smaller", terms.grace_days, tuple(bucket for bucket in terms.order if bucket != "fee"),
        terms.by_instalment, terms.compounds, terms.misuse_from,
        DAYS_OFF if terms.holidays == "next_day" else frozenset(),
    ).run()  # fmt: skip
    found = []
    for row in rows:
        amounts = (row.paid.principal, row.paid.interest, row.paid.penalty, row.balance, row.paid.excess)
        found.append((row.date, *(Decimal(fen) / 100 for fen in amounts)))
    assert found == expected
    assert account.balance == 0
    assert sum(row.paid.principal for row in rows) == terms.principal_fen


def test_the_draws_of_the_oracle_meet_every_case() -> None:
    cases = [drawn(seed) for seed in range(270)]
    ends = [live(terms, list(payments.items())) for terms, payments in cases]
    assert {terms.product for terms, _ in cases} == set(WITH_INTEREST)
    assert sum(any(row.paid.penalty for row in rows) for _, rows in ends) > 90
    assert sum(terms.misuse_from is not None and terms.misuse_from < account.today
               for (terms, _), (account, _) in zip(cases, ends, strict=True)) > 20  # fmt: skip
    plain = [Account(replace(terms, holidays="none")).dates for terms, _ in cases]
    assert sum(Account(terms).dates != dates for (terms, _), dates in zip(cases, plain, strict=True)) > 10
    assert sum(terms.compounds for terms, _ in cases) > 30
    assert sum(any(row.due == 0 and row.paid.principal for row in rows) for _, rows in ends) > 80
    assert sum(account.closed is not None and account.closed < account.dates[-1] for account, _ in ends) > 10


# ---------------------------------------------------------------------------------------------- what always holds

STEPS = st.lists(st.tuples(st.integers(0, 45), st.integers(0, 300_000)), max_size=100)


@given(
    st.sampled_from(WITH_INTEREST), st.integers(1, 10_000_000), st.integers(0, 500_000), st.integers(1, 24),
    st.sampled_from(("shorter", "smaller")), STEPS,
)  # fmt: skip
def test_payments_add_up_and_nothing_is_negative(
    product: str, principal: int, ppm: int, periods: int, prepayment: str, steps: list[tuple[int, int]]
) -> None:
    """Any days between any payments, two on one day or on the day of the payout included."""
    account = Account(LoanTerms(product, principal, Rate(ppm), periods, NEW_YEAR, prepayment=prepayment))
    repaid = 0
    for days, fen in steps:
        for _ in range(days):
            account.pass_day()
        settles, overdue = account.settles(), account.due_now()
        paid = account.pay(fen)
        repaid += paid.principal
        assert min(paid.fee, paid.penalty, paid.interest, paid.principal, paid.excess, account.balance) >= 0
        assert paid.total + paid.excess == fen
        assert account.balance + repaid == principal
        assert paid.excess == 0 or paid.total == settles
        assert account.interest_now() >= 0
        assert account.days_past_due == 0 or overdue > paid.total
        if account.closed:
            assert account.settles() == 0
            break
    if account.today == NEW_YEAR:
        assert account.interest_paid == 0
