"""Schedules: the vectors of facts C, fees and sweeps, and what always holds of an account."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_schedules import WITH_INTEREST

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


def test_a_late_fee_is_charged_once_when_grace_has_passed() -> None:
    """20 yuan for one due date; it is paid first, and neither it nor its delay costs anything more."""
    due = NEW_YEAR + timedelta(30)
    terms = loan("order_loan", 10_000, "0.05 %/day", 30, grace_days=3, late_fee_fen=2000)
    in_time, late, later = (figures(terms, (due, 0), (due + timedelta(n), 2_000_000)) for n in (3, 4, 20))
    assert [one["total_fee"] for one in (in_time, late, later)] == [0.0, 20.0, 20.0]
    assert later["total_penalty"] == 150.0
    _, rows = live(terms, [(due, 0), (due + timedelta(4), 5000), (due + timedelta(5), 2_000_000)])
    assert (rows[1].paid.fee, rows[1].paid.penalty, rows[1].paid.interest) == (2000, 3000, 0)


def test_every_missed_due_date_has_its_own_late_fee() -> None:
    missed = [(date(2012, month, 1), 0) for month in (2, 3, 5)]
    _, rows = live(loan("annuity", 12_000, "0 %/month", 6, late_fee_fen=2000), missed)
    assert [row.paid.fee for row in rows] == [0, 0, 4000, 0, 2000, 0]
    part = [(date(2012, 2, 1), 199_999)]  # a fen is missing
    assert live(loan("annuity", 12_000, "0 %/month", 6, late_fee_fen=2000), part)[1][1].paid.fee == 2000


def test_nothing_due_is_nothing_late() -> None:
    """Months without interest owe nothing before the last one, whether or not somebody comes to pay it."""
    account = Account(loan("interest_only_bullet", 12_000, "0 %/month", 3, late_fee_fen=2000))
    while account.today < date(2012, 4, 1):
        account.pass_day()
        assert account.due_now() == (1_200_000 if account.today == date(2012, 4, 1) else 0)
    account.pass_day()
    assert account.due_now() == 1_202_000


def test_a_sweep_of_sales_repays_an_advance_on_orders() -> None:
    swept = {"daily_sales_fen": 100_000, "sales_permille": 300}
    account, rows = live(loan("purchase_order", 10_000, "0 %/day", 60, **swept))
    assert (len(rows), account.closed) == (34, NEW_YEAR + timedelta(34))  # 33 days of 300 yuan and the rest
    first, second = live(loan("purchase_order", 10_000, "0.05 %/day", 60, **swept))[1][:2]
    assert (first.date, first.paid.interest, first.paid.principal) == (NEW_YEAR + timedelta(1), 500, 29_500)
    assert (second.paid.interest, second.paid.principal) == (485, 29_515)  # of 9,705 yuan
    slow, rows = live(loan("purchase_order", 10_000, "0 %/day", 30, **swept), [(date(2012, 1, 5), 0)])
    assert (slow.closed, rows[-1].paid.total) == (date(2012, 1, 31), 1_000_000 - 28 * 30_000)  # the rest at its term


def test_sales_repay_what_is_late_too() -> None:
    due = NEW_YEAR + timedelta(7)
    swept = {"daily_sales_fen": 100_000, "sales_permille": 300}
    missed = [(due, 0), (due + timedelta(30), 0)]
    account, _ = live(loan("purchase_order", 3_000, "0 %/day", 7, **swept), missed)
    assert account.closed == due + timedelta(4)  # 6 days before it is due, 4 after


def test_a_share_of_sales_never_takes_more_principal_than_there_is() -> None:
    """Principal was paid early, before the fee: all that the shares bring then is fee."""
    price = {"fee_fen": 100_000, "daily_sales_fen": 100_000, "sales_permille": 100}
    order = ("principal", "interest", "penalty", "fee")
    account, rows = live(loan("sales_share", 1_000, "0 %/year", 90, order=order, **price), [(NEW_YEAR, 100_000)])
    assert {row.balance for row in rows} == {0}
    assert (sum(row.paid.fee for row in rows), account.closed) == (100_000, NEW_YEAR + timedelta(10))


def test_the_rest_of_a_share_of_sales_falls_due_on_a_working_day() -> None:
    price = {"fee_fen": 0, "daily_sales_fen": 100, "sales_permille": 100, "start": date(2012, 9, 1)}
    ends = [live(loan("sales_share", 1_000, "0 %/year", 31, holidays=rule, **price))[0].closed
            for rule in ("none", "next_day")]  # fmt: skip
    assert ends == [date(2012, 10, 2), date(2012, 10, 8)]


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
        live(loan("annuity", 100_000, "1.5 %/month", 6, prepayment=effect), [paid]) for effect in ("shorter", "smaller")
    )
    assert shorter[0].closed == date(2012, 6, 1)
    assert smaller[0].closed == date(2012, 7, 1)
    assert shorter[1][3].paid.total == shorter[1][0].paid.total > smaller[1][3].paid.total


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
