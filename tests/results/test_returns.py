"""APR and internal rates: exact where the tape is, and as far off as is said where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from paper_run import PaperLoan, build, day, manifest, scenario, twelve_run

from sim.results.economics.returns import irr_of_flows, loan_returns, pooled_irr, returns_of
from sim.results.ledger import Ledger
from sim.results.run import Run

Flows = list[tuple[str, float]]
#: What the lender of the twelve loans paid and got in its window, loan by loan; the balance less its allowance at both
#: ends.
WINDOW: Flows = [
    ("2012-01-31", -(64_000 - 640)),
    ("2012-02-05", 10_000 + 26 * 5),
    ("2012-02-15", -8_000), ("2012-03-01", 8_000 + 15 * 4 - 4),
    ("2012-03-01", -6_000),
    ("2012-03-20", 50_000 + 60 * 30),
    ("2012-03-10", -5_000), ("2012-04-20", 5_000 + 30 * 2.5 + 11 * 3.75),
    ("2012-04-01", -9_000), ("2012-06-05", 9_000 + 30 * 4.5 + 35 * 6.75),
    ("2012-04-02", -40_000), ("2012-04-20", -7_000),
    ("2012-06-01", -8_000), ("2012-06-25", 8_000 + 24 * 4),
    ("2012-06-20", -12_000), ("2012-06-20", 1_000),
    ("2012-06-30", 65_000 - 8_270),
]  # fmt: skip


def worth(flows: Flows, rate: float) -> float:
    """Return what dated flows are worth on the first of their days at a yearly rate."""
    first = min(day(date) for date, _ in flows)
    return sum(yuan / (1 + rate) ** ((day(date) - first).days / 365) for date, yuan in flows)


def bisected(flows: Flows) -> float:
    """Return the rate at which flows of a loan are worth nothing, by halving."""
    low, high = -0.999999, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(flows, middle) > 0 else (low, middle)
    return low


def test_rate_of_the_lending_of_the_window() -> None:
    rate = twelve_run().summary["irr"]
    assert rate == pytest.approx(bisected(WINDOW), abs=1e-9)
    assert worth(WINDOW, float(rate or 0)) == pytest.approx(0, abs=1e-3)


def test_a_loan_paid_at_once_has_its_exact_rates() -> None:
    found = loan_returns(twelve_run(), "ali")
    one = found.loan_id.tolist().index(1)  # 10,000 for 26 days at 5 yuan a day
    assert found.fen_days[one] == pytest.approx(26 * 1_000_000, rel=1e-12)
    assert found.apr_borrower[one] == pytest.approx(0.1825, rel=1e-12)
    exact = bisected([("2012-01-10", -10_000), ("2012-02-05", 10_130)])
    assert found.irr_borrower[one] == pytest.approx(exact, rel=1e-9)
    assert found.irr_lender[one] == found.irr_borrower[one]


def test_lateness_costs_the_borrower_more_and_a_refund_less() -> None:
    found = loan_returns(twelve_run(), "ali")
    late, refunded = (found.loan_id.tolist().index(number) for number in (6, 3))
    assert found.fen_days[late] == pytest.approx(41 * 500_000, rel=1e-12)  # 30 days told by interest, 11 by penalty
    assert found.apr_borrower[late] == pytest.approx((75 + 41.25) * 365 / (41 * 5_000), rel=1e-12)
    assert found.apr_borrower[refunded] == pytest.approx((60 - 4) * 365 / (15 * 8_000), rel=1e-12)


def test_a_lost_loan_costs_its_borrower_no_rate_and_the_lender_most_of_it() -> None:
    found = loan_returns(twelve_run(), "ali")
    lost = found.loan_id.tolist().index(5)  # 4,000 written off after 150 days, 1,000 came back
    assert found.is_written_off[lost]
    assert np.isnan(found.apr_borrower[lost])
    assert np.isnan(found.irr_borrower[lost])
    assert found.fen_days[lost] == 150 * 400_000
    assert found.irr_lender[lost] == pytest.approx((1_000 / 4_000) ** (365 / 150) - 1, rel=1e-12)


def one_loan(loan: PaperLoan, **of_lender: object) -> Ledger:
    """Return the ledger of a run of one loan in 2012."""
    tables = build([loan], "2012-01-01", "2012-12-31")
    told = scenario(lenders={"ali": of_lender})
    return Ledger(Run.from_tables(tables, manifest("2012-01-01", "2012-12-31"), told), "ali")


TOTAL = PaperLoan(1, 1, "2012-02-01", 8_000, "2012-03-02", None)


def test_a_total_loss_is_minus_one_hundred_percent() -> None:
    book = one_loan(TOTAL)
    found = returns_of(book)
    assert found.irr_lender.tolist() == [-1.0]
    assert pooled_irr(book, found, np.array([True]), 0.6) == -1.0


def test_an_open_loan_has_no_rate_yet_and_is_worth_what_is_not_expected_to_be_lost() -> None:
    book = one_loan(replace(TOTAL, write_off_after=400))
    found = returns_of(book)
    assert np.isnan(found.irr_lender).all()
    assert found.fen_days.tolist() == [(31 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 30 + 30 + 29) * 800_000]
    expected = bisected([("2012-02-01", -8_000), ("2012-12-31", 0.4 * 8_000)])
    assert pooled_irr(book, found, np.array([True]), 0.6) == pytest.approx(expected, abs=1e-9)


def test_paid_back_on_the_day_it_was_drawn_has_no_rate() -> None:
    found = returns_of(one_loan(PaperLoan(1, 1, "2012-02-01", 8_000, "2012-03-02", "2012-02-01")))
    assert np.isnan(found.irr_borrower).all()
    assert np.isnan(found.apr_borrower).all()


def test_a_loan_without_interest_costs_nothing() -> None:
    found = returns_of(one_loan(PaperLoan(1, 1, "2012-02-01", 8_000, "2012-03-02", "2012-02-11", ppm=0)))
    assert found.fen_days.tolist() == [10 * 800_000]
    assert found.apr_borrower.tolist() == [0.0]
    assert found.irr_borrower.tolist() == [0.0]


def test_days_of_a_year_of_360_are_told_by_the_price_of_the_scenario() -> None:
    # 8,000 for 5 days at 18 % on 360 days are 20 yuan; half of it was paid early, the rest after 10 days.
    tables = build([PaperLoan(1, 1, "2012-02-01", 8_000, "2012-03-02", "2012-02-11", ppm=180_000)], "2012-01-01",
                   "2012-12-31")  # fmt: skip
    loans = tables["loans"].to_pylist()
    loans[0]["interest_paid_fen"] = 2_000
    tables["loans"] = pa.Table.from_pylist(loans, schema=tables["loans"].schema)
    told = scenario(lenders={"ali": {"products": {"order_loan": {"rate": "18 %/year (360)"}}}})
    book = Ledger(Run.from_tables(tables, manifest("2012-01-01", "2012-12-31"), told), "ali")
    found = returns_of(book)
    assert found.fen_days[0] == pytest.approx(5 * 800_000, rel=1e-12)
    assert found.apr_borrower[0] == pytest.approx(0.18 * 365 / 360, rel=1e-12)


def test_penalty_days_are_told_by_the_multiple_of_the_scenario() -> None:
    late = PaperLoan(1, 1, "2012-02-01", 8_000, "2012-03-02", "2012-03-12")
    assert returns_of(one_loan(late)).fen_days[0] == pytest.approx(40 * 800_000, rel=1e-12)
    # At twice the rate the same penalty, 10 days x 6 yuan, is that of 7.5 days.
    assert returns_of(one_loan(late, penalty_multiple=2)).fen_days[0] == pytest.approx(37.5 * 800_000, rel=1e-12)


def test_a_loan_paid_in_parts_comes_out_too_low_and_no_lower_than_is_said() -> None:
    """8,000 at 0.06 % a day, 80 repaid on each of 100 days with the interest of the day."""
    balance, days, flows = 800_000, 0, [(0.0, -800_000.0)]
    for at in range(1, 101):
        interest = balance * 6 / 10_000
        days += balance
        balance -= 8_000
        flows.append((float(at), 8_000 + interest))
    exact = irr_of_flows(*(np.array(column) for column in zip(*flows, strict=True)))
    tables = build([PaperLoan(1, 1, "2012-02-01", 8_000, "2012-08-01", "2012-05-11", "revolving_line", 219_000)],
                   "2012-01-01", "2012-12-31")  # fmt: skip
    loans = tables["loans"].to_pylist()
    loans[0]["interest_paid_fen"] = round(days * 6 / 10_000)
    tables["loans"] = pa.Table.from_pylist(loans, schema=tables["loans"].schema)
    found = returns_of(Ledger(Run.from_tables(tables, manifest("2012-01-01", "2012-12-31"), scenario()), "ali"))
    assert found.fen_days[0] == pytest.approx(days, rel=1e-6)  # 50.5 days of 100
    assert found.apr_borrower[0] == pytest.approx(0.219, rel=1e-6)
    assert exact == pytest.approx(1.0006**365 - 1, rel=1e-9)
    assert 0.98 * float(exact or 0) < found.irr_borrower[0] < float(exact or 0)


def test_flows_between_days_keep_their_mean_day() -> None:
    at_once = irr_of_flows(np.array([0.0, 30.25]), np.array([-100.0, 102.0]))
    assert at_once == pytest.approx(1.02 ** (365 / 30.25) - 1, rel=1e-4)
    assert irr_of_flows(np.array([15_000.0, 15_365.0]), np.array([-100.0, 120.0])) == pytest.approx(0.2, abs=1e-9)


def test_flows_without_a_rate() -> None:
    days = np.array([0.0, 10.0])
    assert irr_of_flows(days, np.array([-5.0, 0.0])) == -1.0
    assert irr_of_flows(days, np.array([0.0, 0.0])) is None
    assert irr_of_flows(days, np.array([5.0, 1.0])) is None
    assert irr_of_flows(np.array([3.0, 3.0]), np.array([-5.0, 6.0])) is None
