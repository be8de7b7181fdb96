"""Five classes by days past due: the tables of facts C.8, and a book worked out on paper."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from paper_run import busy_run, no_credit_run, twelve_run

from sim.results.classes import CLASSES, SCHEMES, classify, five_classes
from sim.results.report import render


@pytest.mark.parametrize(
    ("scheme", "dpd", "names"),
    [
        ("small_business_2007", (0, 1, 30, 31, 90, 91, 360, 361), "n m m s s d d l"),
        ("small_business_2007_guaranteed", (0, 30, 31, 90, 91, 180, 181, 360, 361), "n n m m s s d d l"),
        ("banks_before_2023", (0, 1, 90, 91, 180, 181, 5_000), "n m m s s d d"),
        ("banks_2023", (0, 1, 90, 91, 270, 271, 360, 361), "n m m s s d d l"),
    ],
)
def test_the_tables_of_facts_c8(scheme: str, dpd: tuple[int, ...], names: str) -> None:
    letters = dict(zip("nmsdl", CLASSES, strict=True))
    found = [CLASSES[code] for code in classify(np.array(dpd), scheme)]
    assert found == [letters[letter] for letter in names.split()]


def test_every_scheme_of_a_scenario_has_a_table() -> None:
    from sim.institutions.regulation import Regulation

    assert set(Regulation.model_fields["classes"].annotation.__args__) == set(SCHEMES)  # type: ignore[union-attr]


def test_the_classes_of_the_paper() -> None:
    """On 30 June 2012: 8 and 11 are current, 9 is 41 days late, 4 is 91 days late."""
    found = five_classes(twelve_run(), "ali")
    assert found is not None
    day, rows = found
    assert day == datetime.date(2012, 6, 30)
    assert [row.balance_fen for row in rows] == [52_000_00, 0, 7_000_00, 6_000_00, 0]
    assert [row.required_fen for row in rows] == [520_00, 0, 1_750_00, 3_000_00, 0]
    assert [row.dpd for row in rows] == ["0", "1 to 30", "31 to 90", "91 to 360", "361 and more"]
    assert [row.share for row in rows] == [52 / 65, 0, 7 / 65, 6 / 65, 0]


def test_restructured_loans_are_never_normal() -> None:
    run = busy_run()
    tape, panel = run.loans, run.loan_months
    restructured = set(tape.loc[tape["restructured"] & (tape["lender"] == run.lenders[0]), "loan_id"])
    found = five_classes(run, run.lenders[0])
    assert found is not None
    day, rows = found
    last = panel[(panel["month_end"].astype(str) == str(day)) & (panel["lender"] == run.lenders[0])]
    normal = last[(last["dpd"] == 0) & ~last["loan_id"].isin(restructured)]
    assert rows[0].balance_fen == normal["balance_fen"].sum()
    assert sum(row.balance_fen for row in rows) == last["balance_fen"].sum()


def test_the_report_shows_them_where_there_are_loans() -> None:
    page = render(twelve_run())
    assert "Five classes, 30 June 2012" in page
    assert "Substandard, doubtful and loss are 20.00 % of the balance" in page
    assert "Five classes" not in render(no_credit_run())
