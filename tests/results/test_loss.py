"""Expected loss, loss given default and return on capital against loans worked out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from paper_run import PaperLoan, build, busy_run, manifest, scenario, twelve_run

from sim.results.economics.loss import (
    LossGivenDefault,
    default_probabilities,
    expected_loss_of_lending,
    exposure_at,
    loss_given_default,
    loss_per_yuan_lent,
    raroc,
    realised_to_expected,
)
from sim.results.headline import notes
from sim.results.ledger import Ledger
from sim.results.run import Run

#: Three whose outcome is known by the year's end, two in the closing book of 31 October.
FIVE = [
    PaperLoan(1, 1, "2012-01-10", 10_000, "2012-02-09", "2012-02-20"),
    PaperLoan(2, 2, "2012-01-25", 20_000, "2012-02-24", "2012-03-10"),  # 5 days late on 29 February
    PaperLoan(3, 3, "2012-01-20", 5_000, "2012-02-19", None, recovered=(("2012-07-15", 1_000),)),
    PaperLoan(4, 4, "2012-10-20", 40_000, "2012-11-19", "2012-11-15"),
    PaperLoan(5, 5, "2012-09-20", 10_000, "2012-10-20", "2012-11-25"),  # 11 days late on 31 October
]
#: Lent in July, when the first three were known: one of the two goes bad.
JULY = [
    PaperLoan(6, 6, "2012-07-20", 7_000, "2012-08-19", "2012-08-10"),
    PaperLoan(7, 7, "2012-07-22", 7_000, "2012-08-21", None),
]


def run_of(loans: list[PaperLoan], report_to: str = "2012-10-31", end: str = "2012-12-31", **of_lender: object) -> Run:
    """Return a year of these loans, written off 120 days after their due date."""
    lender = {"write_off_after": "120 days", **of_lender}
    calendar = {"report_from": "2012-01-01", "report_to": report_to}
    tables = build(loans, "2012-01-01", end)
    told = scenario(lenders={"ali": lender}, calendar=calendar)
    return Run.from_tables(tables, manifest("2012-01-01", report_to), told)


def book_of(
    loans: list[PaperLoan], report_to: str = "2012-10-31", end: str = "2012-12-31", **of_lender: object
) -> Ledger:
    """Return the ledger of `run_of`."""
    return Ledger(run_of(loans, report_to, end, **of_lender), "ali")


def test_probabilities_are_shares_of_known_balances() -> None:
    book = book_of(FIVE)
    # 31 January: loans 1 to 3 are current; 29 February: 2 and 3 are late; from March 3 alone.
    assert default_probabilities(book, book.observed).tolist() == [[5 / 35, 5 / 25, 1, 1, 1]]


def test_buckets_begin_and_end_on_their_days() -> None:
    book = book_of(
        [
            PaperLoan(1, 1, "2012-02-01", 7_000, "2012-02-28", "2012-03-05"),  # 1 day late on 29 February
            PaperLoan(2, 2, "2012-01-02", 5_000, "2012-01-30", None),  # 1, 30, 61 days late at the month ends
            PaperLoan(3, 3, "2012-01-02", 3_000, "2012-01-31", "2012-04-10"),  # 0, 29, 60
        ]
    )
    late = (5_000 + 5_000) / (5_000 + 7_000 + 5_000 + 3_000)
    assert default_probabilities(book, book.observed).tolist() == [[0, late, 0, 1, 1]]


def test_a_late_bucket_without_loans_takes_the_next_worse_and_a_current_one_nothing() -> None:
    book = book_of([replace(FIVE[2], loan_id=1, opened="2012-01-02", due="2012-02-01")])
    # Seen on 31 January (current), 29 February (28 days), 31 March (59), 30 April (89): every cell is 1 or unseen.
    assert default_probabilities(book, book.observed).tolist() == [[1, 1, 1, 1, 1]]
    seen = default_probabilities(book, book.observed - 250)  # 25 April: nothing was known
    assert np.isnan(seen[0, 0])
    assert seen[0, 1:].tolist() == [1, 1, 1, 1]


def test_a_late_bucket_of_one_product_takes_that_of_all() -> None:
    line = {"product": "revolving_line", "ppm": 219_000}
    book = book_of([*FIVE[:3], PaperLoan(6, 6, "2012-01-05", 9_000, "2012-07-03", "2012-05-02", **line)])
    assert book.product_names == ("order_loan", "revolving_line")
    assert default_probabilities(book, book.observed)[1].tolist() == [0, 5 / 25, 1, 1, 1]


def test_loss_given_default_is_seen_or_assumed() -> None:
    book = book_of(FIVE)
    assert loss_given_default(book) == LossGivenDefault(0.6, 0)
    assert loss_given_default(book, least=1) == LossGivenDefault((5_000 - 1_000) / 5_000, 1)
    # Written off after 360 days, the loan of 31 May is not seen to its end by December.
    assert loss_given_default(book_of(FIVE, write_off_after="360 days"), least=1) == LossGivenDefault(0.6, 0)
    many = [replace(FIVE[2], loan_id=n, merchant_id=n) for n in range(1, 21)]
    assert loss_given_default(book_of(many)) == LossGivenDefault(0.8, 20)
    assert loss_given_default(book_of(many[:19])) == LossGivenDefault(0.6, 0)


def test_expected_loss_is_pd_times_lgd_times_balance() -> None:
    summary = run_of(FIVE).summary
    expected = 0.6 * (40_000 * 5 / 35 + 10_000 * 5 / 25)
    assert summary["expected_loss"] == pytest.approx(expected, rel=1e-12)
    assert summary["expected_loss_rate"] == pytest.approx(expected / 50_000, rel=1e-12)


def test_a_balance_in_default_is_lost_but_for_what_comes_back() -> None:
    book = book_of(FIVE, "2012-05-31")
    assert exposure_at(book, book.last).tolist() == [[0, 0, 0, 0, 500_000]]  # type: ignore[union-attr]
    assert run_of(FIVE, "2012-05-31").summary["expected_loss"] == pytest.approx(0.6 * 5_000, rel=1e-12)


def test_between_month_ends_the_balances_of_the_day_count() -> None:
    # On 24 October loan 5 is 4 days late and loan 4 is out; on 30 September only loan 5 was, and current.
    book = book_of(FIVE, "2012-10-24")
    assert exposure_at(book, book.last).tolist() == [[4_000_000, 1_000_000, 0, 0, 0]]  # type: ignore[union-attr]
    # On the last simulated day the tape itself is the book, here of a line that no month end has seen.
    line = PaperLoan(8, 8, "2012-12-20", 3_000, "2013-06-20", None, "revolving_line", 219_000)
    young = book_of([*FIVE, line], "2012-12-30", "2012-12-30")
    assert exposure_at(young, young.last).tolist() == [[0] * 5, [300_000, 0, 0, 0, 0]]  # type: ignore[union-attr]


def test_a_run_too_short_for_its_losses_has_no_expected_loss_and_says_so() -> None:
    # None of the lines of the twelve was watched to 90 days after its due date, and one is in the closing book.
    run = twelve_run()
    for name in ("expected_loss", "expected_loss_rate", "raroc", "loss_realised_of_expected"):
        assert run.summary[name] is None
    told = [note for note in notes(run) if "expected_loss" in note]
    assert told == [
        "* Expected loss (expected_loss, raroc) is not defined: of some product no loan was watched to 90 days after "
        "its due date (8 loans of the run were). The allowance stands for it."
    ]


def test_the_notes_say_what_expected_loss_rests_on() -> None:
    assert any("rests on the 3 loans of the run" in note and "60% is lost (an assumption" in note
               for note in notes(run_of(FIVE)))  # fmt: skip
    many = [replace(FIVE[2], loan_id=n, merchant_id=n) for n in range(1, 21)]
    assert any("80% is lost (20 defaults seen to their end)" in note for note in notes(run_of(many)))


def test_realised_over_expected() -> None:
    # On 31 July the first three were known: 1/7 of a current balance goes bad. Of the 14,000 then out 7,000 did.
    assert realised_to_expected(book_of([*FIVE[:3], *JULY], "2012-07-31")) == pytest.approx(7_000 / (14_000 / 7))
    # A loan whose outcome is still open at the year's end keeps its month end out.
    open_one = PaperLoan(8, 8, "2012-07-25", 900, "2012-10-25", "2012-08-05")
    assert realised_to_expected(book_of([*FIVE[:3], *JULY, open_one], "2012-07-31")) is None
    # Nobody of the first three had gone bad: nothing was expected, so nothing can be compared.
    assert realised_to_expected(book_of([*FIVE[:2], *JULY], "2012-07-31")) is None


def test_loss_per_yuan_lent_counts_what_is_still_unpaid() -> None:
    assert loss_per_yuan_lent(book_of(FIVE), LossGivenDefault(0.6, 0)).tolist() == [4_000 / 35_000]
    stuck = [*FIVE[:2], PaperLoan(3, 3, "2012-01-20", 5_000, "2012-02-19", None, write_off_after=400)]
    assert loss_per_yuan_lent(book_of(stuck), LossGivenDefault(0.6, 0)).tolist() == [0.6 * 5_000 / 35_000]


#: Interest of loans 1, 2, 4 (to 31 October) and 5; loan 3 gave its own back; penalties of 1 and 2.
INCOME = 150 + 300 + 11 * 20 + 150 + 11 * 7.5 + 15 * 15
BALANCE_DAYS = 41 * 10_000 + 45 * 20_000 + 150 * 5_000 + 12 * 40_000 + 42 * 10_000
LENDING_LOSS = 85_000 * 4_000 / 35_000


def test_raroc_on_paper() -> None:
    book = book_of(FIVE)
    assert book.income == INCOME * 100
    assert expected_loss_of_lending(book) == pytest.approx(LENDING_LOSS * 100, rel=1e-12)
    earned = INCOME - 305 * 4 - 305 * 10 - LENDING_LOSS
    on_capital = earned * 365 / (BALANCE_DAYS * 0.08)
    assert run_of(FIVE).summary["raroc"] == pytest.approx(on_capital, rel=1e-12)
    assert raroc(book, capital_share=0.16) == pytest.approx(on_capital / 2, rel=1e-12)
    assert raroc(book, return_on_capital=0.03, tax=0.25) == pytest.approx((on_capital + 0.03) * 0.75, rel=1e-12)


def test_expected_loss_of_many_loans_lies_between_nothing_and_the_balance() -> None:
    summary = busy_run().summary
    assert summary["expected_loss"] is not None
    assert 0 < summary["expected_loss"] < (summary["balance_end"] or 0)
