"""Every measure against the twelve loans worked out on paper, to the last digit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from paper_run import FROM, TO, busy_run, manifest, no_credit_run, scenario, twelve_run, twelve_tables

from sim.results import metrics
from sim.results.run import Run

DAYS = 151  # February to June 2012
#: Principal times the days it was out inside the window, yuan-days, loan by loan.
BALANCE_DAYS = (
    4 * 10_000 + 48 * 50_000 + 15 * 8_000 + 122 * 6_000 + 123 * 4_000 + 41 * 5_000 + 65 * 9_000 + 90 * 40_000
    + 72 * 7_000 + 24 * 8_000 + 11 * 12_000
)  # fmt: skip
#: Interest inside the window: days times yuan a day; loans 4 and 5 give theirs back at 90 days past due.
INTEREST = 5 * 5 + 49 * 30 + 15 * 4 + (30 * 3 - 90) + (4 * 2 - 60) + 75 + 135 + 89 * 24 + 105 + 24 * 4 + 10 * 6
PENALTIES = 11 * 3.75 + 35 * 6.75
INCOME = INTEREST - 4 + PENALTIES
ALLOWANCE_GROWN = (520 + 0.25 * 7_000 + 6_000) - 640
RESULT = INCOME - 151 * 4 - 151 * 10 - 3_000 - ALLOWANCE_GROWN
EXPECTED = {
    "disbursed": 95_000.0,
    "n_loans": 8,
    "ticket_mean": 11_875.0,
    "balance_mean": BALANCE_DAYS / DAYS,
    "balance_end": 65_000.0,
    "balance_growth": (52_000 - 64_000) * 365 / (100_000 * DAYS),
    "balance_growth_rate": (52 / 64) ** (365 / DAYS) - 1,
    "customers": 8,
    "customers_new": 5,
    "customers_growth_rate": (8 / 3) ** (365 / DAYS) - 1,
    "approval_rate": 11 / 20,
    "take_up": 8 / 11,
    "utilisation": BALANCE_DAYS / (200_000 * DAYS),
    "repeat_rate": 2 / 4,
    "funds_used": BALANCE_DAYS / (150_000 * DAYS),
    "rejected_for_funds": 2,
    "life_mean_days": BALANCE_DAYS / 95_000,
    "interest_income": 4_106.0,
    "rate_mean_ppm_year": (170_000 * 219_000 + 104_000 * 182_500) / 274_000,
    "yield_gross": INCOME * 365 / BALANCE_DAYS,
    "yield_risk_adjusted": (INCOME - 3_000 - ALLOWANCE_GROWN) * 365 / BALANCE_DAYS,
    "cost_of_funds": 0.073,
    "nim": (INCOME - 151 * 4) * 365 / BALANCE_DAYS,
    "operating_cost": 1_510.0,
    "profit": RESULT,
    "roe": RESULT * 365 / (100_000 * DAYS),
    "npl90": 6 / 65,
    "npl30": 13 / 65,
    "overdue_rate": 13 / 65,
    "ever90": 6 / 43,
    "fpd30": 3 / 7,
    "net_charge_off": 3_000 * 365 / BALANCE_DAYS,
    "recovery_rate": 0.15,
    "coverage": 8_270 / 6_000,
    "merchant_sales": 158_500.0,
    "merchant_sales_growth": 82_500 / 75_000 - 1,
    "merchant_exits": 3,
}
CONTRACT = {
    "disbursed", "n_loans", "ticket_mean", "balance_mean", "balance_end", "balance_growth", "customers",
    "customers_new", "interest_income", "rate_mean_ppm_year", "yield_gross", "yield_risk_adjusted", "cost_of_funds",
    "nim", "roe", "npl90", "npl30", "ever90", "fpd30", "net_charge_off", "recovery_rate", "approval_rate", "take_up",
    "utilisation", "repeat_rate", "funds_used", "rejected_for_funds", "merchant_sales", "merchant_sales_growth",
    "merchant_exits",
}  # fmt: skip


def test_the_paper_agrees_with_itself() -> None:
    assert BALANCE_DAYS == 9_002_000
    assert INTEREST == 4_110
    assert INCOME == 4_383.5
    assert RESULT == -8_360.5


@pytest.mark.parametrize("name", EXPECTED)
def test_measure_equals_the_paper(name: str) -> None:
    value = twelve_run().summary[name]
    assert value == EXPECTED[name]
    assert type(value) is type(EXPECTED[name])


def test_every_measure_is_on_the_paper_and_every_name_of_the_contract_is_there() -> None:
    assert set(EXPECTED) == set(metrics.BY_NAME) == set(twelve_run().summary)
    assert set(metrics.BY_NAME) >= CONTRACT
    assert len(metrics.MEASURES) == len(metrics.BY_NAME)
    for measure in metrics.MEASURES:
        assert measure.label
        assert measure.unit
        assert measure.formula
        assert measure.source


def test_measures_do_not_see_days_outside_the_window() -> None:
    tables = twelve_tables()
    daily = tables["daily"].to_pandas()
    flows = [name for name in daily.columns if name.endswith("_fen") and not name.startswith(("allow", "equity"))]
    outside = (daily["date"].astype(str) < "2012-01-31") | (daily["date"].astype(str) > TO)
    daily.loc[outside, flows] = 10**9
    tables["daily"] = pa.Table.from_pandas(daily, preserve_index=False)
    changed = Run.from_tables(tables, manifest(), scenario()).summary
    assert changed == twelve_run().summary


def test_young_loans_are_left_out_of_both_sides_of_a_matured_measure() -> None:
    # Seen a month earlier, loans 10 (due 1 July) is no longer 90 days past its due date.
    cut = "2012-09-28"
    tables = twelve_tables()
    daily = tables["daily"].to_pandas()
    tables["daily"] = pa.Table.from_pandas(daily[daily["date"].astype(str) <= cut], preserve_index=False)
    run = Run.from_tables(tables, manifest(), scenario())
    assert run.summary["ever90"] == 6 / 35
    assert "5 of the 8 loans" in metrics.notes(run)[0]
    assert metrics.notes(run)[0].endswith("Of revolving_line there is none.")
    assert metrics.BY_NAME["ever90"].matured
    assert metrics.BY_NAME["fpd30"].matured


def test_without_a_lender_only_the_market_is_measured() -> None:
    run = no_credit_run()
    assert run.lenders == ()
    defined = {name for name, value in run.summary.items() if value is not None}
    assert defined == {"merchant_sales", "merchant_sales_growth", "merchant_exits"}
    assert {row.group for row in metrics.headline(run)} == {"merchants"}
    assert "No lender" in metrics.notes(run)[0]


def test_a_lender_that_never_lent_has_no_ratios() -> None:
    tables = twelve_tables()
    empty = tables["daily"].to_pandas()
    empty[[name for name in empty if name not in {"date", "lender", "equity_fen"}]] = 0
    tables["daily"] = pa.Table.from_pandas(empty)
    tables |= {name: tables[name][:0] for name in ("loans", "loan_months")}
    summary = Run.from_tables(tables, manifest(), scenario()).summary
    assert summary["disbursed"] == 0
    assert summary["roe"] == 0
    for name in ("ticket_mean", "yield_gross", "npl90", "ever90", "fpd30", "repeat_rate", "cost_of_funds", "take_up",
                 "balance_growth_rate", "rate_mean_ppm_year", "recovery_rate", "merchant_sales_growth"):  # fmt: skip
        assert summary[name] is None, name


def test_each_lender_is_measured_on_its_own_rows() -> None:
    run = busy_run(("ali", "bank"), n_loans=80)
    assert list(run.summaries) == ["ali", "bank"]
    assert run.summary is run.summaries["ali"]
    alone = run.daily[(run.daily["lender"] == "bank") & run.daily["date"].between(*map(str, run.window))]
    assert run.summaries["bank"]["disbursed"] == alone["disbursed_fen"].sum() / 100
    assert run.summaries["bank"]["merchant_sales"] == run.summaries["ali"]["merchant_sales"]


def test_a_loan_paid_back_the_day_it_was_drawn_is_not_its_own_successor() -> None:
    tables = twelve_tables()
    loans = tables["loans"].to_pylist()
    loans[9] |= {"merchant_id": 99, "opened": loans[9]["closed"]}
    tables["loans"] = pa.Table.from_pylist(loans, schema=tables["loans"].schema)
    assert Run.from_tables(tables, manifest(), scenario()).summary["repeat_rate"] == 2 / 5


def test_rate_of_a_huge_book_does_not_overflow() -> None:
    tables = twelve_tables()
    months = tables["loan_months"].to_pandas()
    months["balance_fen"] *= 10**8
    tables["loan_months"] = pa.Table.from_pandas(months)
    run = Run.from_tables(tables, manifest(), scenario())
    assert run.summary["rate_mean_ppm_year"] == pytest.approx(EXPECTED["rate_mean_ppm_year"], rel=1e-15)


def test_short_runs_and_empty_starts_say_so() -> None:
    short = Run.from_tables(twelve_tables(), manifest(report_from="2012-01-01"), scenario())
    assert any("report window begins with the run" in note for note in metrics.notes(short))
    assert not any("report window begins" in note for note in metrics.notes(twelve_run()))
    # 274 days were simulated; the lines run 180 days, so 270 are enough, and a term of 200 makes it too short.
    assert not any("shorter than its loss emergence" in note for note in metrics.notes(twelve_run()))
    tables = twelve_tables()
    loans = tables["loans"].to_pandas()
    loans.loc[7, "due"] = np.datetime64("2012-10-19").astype(object)
    tables["loans"] = pa.Table.from_pandas(loans, schema=tables["loans"].schema)
    longer = Run.from_tables(tables, manifest(), scenario())
    assert any("274 days against 290" in note for note in metrics.notes(longer))


def test_headline_speaks_in_units() -> None:
    rows = {row.name: row for row in metrics.headline(twelve_run())}
    assert rows["disbursed"].value == "95,000 yuan"
    assert rows["npl90"].value == "9.23 %"
    assert rows["yield_gross"].value == "17.77 % a year"
    assert rows["rate_mean_ppm_year"].value == "20.51 % a year"
    assert rows["n_loans"].value == "8 loans"
    assert rows["ever90"].label.endswith("*")
    groups = [row.group for row in metrics.headline(twelve_run())]
    assert list(dict.fromkeys(groups)) == ["growth", "yield", "default", "merchants"]
    assert groups == sorted(groups, key=["growth", "yield", "default", "merchants"].index)


@pytest.mark.parametrize(
    ("value", "said"),
    [(13e9, "13.0 bn"), (1_840_000_000, "1.84 bn"), (7_647.2, "7,647"), (-2.5e6, "-2.50 m"), (0, "0.00")],
)
def test_numbers_are_said_shortly(value: float, said: str) -> None:
    assert metrics.say_number(value) == said


def test_measuring_a_stored_run_needs_neither_pandas_nor_matplotlib_nor_jinja(tmp_path: Path) -> None:
    twelve_run().save(tmp_path / "run")
    code = (
        "import sys; from sim.results.store import open_run; from sim.results.metrics import headline, notes; "
        "run = open_run(sys.argv[1]); assert run.summary['n_loans'] == 8; headline(run), notes(run); "
        "print([name for name in ('pandas', 'matplotlib', 'jinja2') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_window_defaults_to_the_whole_run() -> None:
    run = Run.from_tables(twelve_tables(), manifest(report_from="", report_to=""), scenario(calendar={}))
    assert [str(day) for day in run.window] == ["2012-01-01", "2012-09-30"]
    assert [str(day) for day in twelve_run().window] == [FROM, TO]
