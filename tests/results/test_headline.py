"""The measures in words: units, groups, and the notes without which a number misleads."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from paper_run import manifest, no_credit_run, scenario, twelve_run, twelve_tables

from sim.results.headline import HEADLINE, headline, notes, say, say_number
from sim.results.metrics import BY_NAME
from sim.results.run import Run


def test_short_runs_and_empty_starts_say_so() -> None:
    short = Run.from_tables(twelve_tables(), manifest(report_from="2012-01-01"), scenario())
    assert any("report window begins with the run" in note for note in notes(short))
    assert not any("report window begins" in note for note in notes(twelve_run()))
    # 274 days were simulated; the lines run 180 days, so 270 are enough, and a term of 200 makes it too short.
    assert not any("shorter than its loss emergence" in note for note in notes(twelve_run()))
    tables = twelve_tables()
    loans = tables["loans"].to_pandas()
    loans.loc[7, "due"] = np.datetime64("2012-10-19").astype(object)
    tables["loans"] = pa.Table.from_pandas(loans, schema=tables["loans"].schema)
    longer = Run.from_tables(tables, manifest(), scenario())
    assert any("274 days against 290" in note for note in notes(longer))


def test_headline_speaks_in_units() -> None:
    rows = {row.name: row for row in headline(twelve_run())}
    assert rows["disbursed"].value == "95,000 yuan"
    assert rows["npl90"].value == "9.23 %"
    assert rows["yield_gross"].value == "17.77 % a year"
    assert rows["rate_mean_ppm_year"].value == "20.51 % a year"
    assert rows["n_loans"].value == "8 loans"
    assert rows["ever90"].label.endswith("*")
    groups = [row.group for row in headline(twelve_run())]
    assert list(dict.fromkeys(groups)) == ["growth", "yield", "default", "merchants"]
    assert groups == sorted(groups, key=["growth", "yield", "default", "merchants"].index)


@pytest.mark.parametrize(
    ("value", "said"),
    [(13e9, "13.0 bn"), (1_840_000_000, "1.84 bn"), (7_647.2, "7,647"), (-2.5e6, "-2.50 m"), (0, "0.00")],
)
def test_numbers_are_said_shortly(value: float, said: str) -> None:
    assert say_number(value) == said


def test_both_measures_of_growth_stand_in_the_headline() -> None:
    rows = {row.name: row for row in headline(twelve_run())}
    assert tuple(rows) == HEADLINE
    assert rows["balance_growth"].value == "-18.75 %"
    assert rows["balance_growth_of_equity"].value == "-29.01 % a year"
    empty_start = Run.from_tables(twelve_tables(), manifest(report_from="2012-01-01"), scenario())
    rows = {row.name: row for row in headline(empty_start)}
    assert rows["balance_growth"].value == "not defined"
    assert rows["balance_growth_of_equity"].value == "104.29 % a year"
    assert any("(balance_growth_of_equity is)" in note for note in notes(empty_start))


def test_notes_count_the_loans_old_enough() -> None:
    # The lines of the window are due on 29 September, a day before the run's end.
    told = notes(twelve_run())
    assert "(ever90) counts matured loans only: 6 of the 8 loans opened in the report window" in told[0]
    assert told[0].endswith("Of revolving_line there is none.")
    assert "(fpd30) counts matured loans only: 7 of the 8 loans" in told[1]


def test_without_a_lender_only_the_market_is_told() -> None:
    run = no_credit_run()
    assert {row.group for row in headline(run)} == {"merchants"}
    assert "No lender" in notes(run)[0]


def test_an_undefined_measure_is_said_so() -> None:
    assert say(BY_NAME["npl90"], None) == "not defined"
    assert say(BY_NAME["n_loans"], 8) == "8 loans"


@pytest.mark.parametrize(
    ("value", "said"), [(0.0072, "0.72 %"), (0.0, "0.00 %"), (0.00005, "0.01 %"), (0.0000312, "0.003 %")]
)
def test_a_small_share_is_not_said_to_be_nothing(value: float, said: str) -> None:
    assert say(BY_NAME["npl90"], value) == said
