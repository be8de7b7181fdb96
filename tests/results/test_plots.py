"""Pictures: the same bytes every time, words and units on the axes, nothing of one picture in another."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from paper_run import busy_run, no_credit_run, scenario, twelve_run, twelve_tables

from sim.results import plots
from sim.results.ledger import Ledger
from sim.results.plots.axes import _LONGEST, Shown
from sim.results.plots.drawings import vintage_cells
from sim.results.run import Run

LENDERS_PICTURES = [picture for picture in plots.PICTURES if picture.needs_lender]


@pytest.mark.parametrize("picture", plots.PICTURES, ids=lambda picture: picture.name)
def test_every_picture_names_its_axes_and_their_units(picture: plots.Picture) -> None:
    figure, said = plots.draw(picture, twelve_run(), "ali")
    for axes in figure.axes:
        assert re.search(r"yuan|%|loans a week", axes.get_ylabel()), axes.get_ylabel()
    assert len(said) > 40
    assert said[0].isupper()
    assert said.endswith(".")


@pytest.mark.parametrize("picture", plots.PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_the_same_bytes_every_time(picture: plots.Picture) -> None:
    first = plots.svg(picture, twelve_run(), "ali")
    assert first == plots.svg(picture, twelve_run(), "ali")
    assert "http" not in first
    assert "<script" not in first
    root = ET.fromstring(first.replace("<svg ", '<svg xmlns:xlink="x" ', 1))
    assert root.get("role") == "img"
    assert root.get("aria-label")


def test_ids_of_two_pictures_never_meet() -> None:
    run = busy_run(("ali", "bank"), n_loans=60)
    pages = [plots.svg(picture, run, lender) for picture in LENDERS_PICTURES for lender in run.lenders]
    found = [set(re.findall(r'\bid="([^"]+)"', page)) for page in pages]
    assert len(set().union(*found)) == sum(map(len, found))
    for page, ids in zip(pages, found, strict=True):
        wanted = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', page))
        assert wanted
        assert wanted <= ids


def test_lines_hold_the_numbers_of_the_run() -> None:
    figure, _ = plots.draw(plots.PICTURES[0], twelve_run(), "ali")
    balance, funds, equity = figure.axes[0].get_lines()[:3]
    days = np.asarray(balance.get_xdata(), dtype="datetime64[D]")
    assert [str(days[0]), str(days[-1])] == ["2012-02-01", "2012-09-30"]  # from report_from to the run's end
    at_end_of_window = int(np.flatnonzero(days == np.datetime64("2012-06-30"))[0])
    assert balance.get_ydata()[at_end_of_window] == 65.0  # thousand yuan
    assert set(funds.get_ydata()) == {150.0}
    assert set(equity.get_ydata()) == {100.0}
    assert "thousand yuan" in figure.axes[0].get_ylabel()
    # Told apart in black and white.
    assert len({str(line._unscaled_dash_pattern) for line in (balance, funds, equity)}) == 3


def test_shares_past_due_stack_to_the_overdue_rate() -> None:
    run = twelve_run()
    figure, said = plots.draw(next(p for p in plots.PICTURES if p.name == "past_due"), run, "ali")
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in figure.axes[0].collections]
    daily = run.daily[run.daily["date"] >= "2012-02-01"]
    late = 100 * (1 - daily["balance_current_fen"] / daily["balance_fen"])
    assert max(tops) == pytest.approx(late.max())
    # On 30 September only loan 8 is out, one day late.
    assert "100.00 % 1-30 days" in said


def test_results_by_month_add_up_to_the_profit() -> None:
    run = Run.from_tables(twelve_tables(), {**twelve_run().manifest, "report_to": "2012-09-30"}, scenario())
    figure, said = plots.draw(plots.PICTURES[-1], run, "ali")
    marks = next(line for line in figure.axes[0].get_lines() if line.get_marker() == "D")
    assert sum(marks.get_ydata()) * 1_000 == pytest.approx(run.summary["profit"])
    assert figure.axes[0].get_xticklabels()[0].get_text() == "Feb\n2012"
    assert "8 months" in said


def test_a_month_that_is_not_whole_is_marked() -> None:
    run = Run.from_tables(twelve_tables(), {**twelve_run().manifest, "report_from": "2012-02-02"}, scenario())
    figure, _ = plots.draw(plots.PICTURES[-1], run, "ali")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()][:2] == ["Feb *\n2012", "Mar\n2012"]


def test_thousands_are_parted() -> None:
    tables = twelve_tables()
    daily = tables["daily"].to_pandas()
    daily["disbursed_fen"] *= 3
    daily.loc[daily["date"].astype(str) == "2012-02-15", "disbursed_fen"] = 1_900_000_00
    run = Run.from_tables(tables | {"daily": daily}, twelve_run().manifest, scenario())
    figure, _ = plots.draw(next(p for p in plots.PICTURES if p.name == "lending"), run, "ali")
    figure.canvas.draw()
    assert "1,500" in [label.get_text() for label in figure.axes[1].get_yticklabels()]


def test_vintages_show_matured_months_only() -> None:
    cells = vintage_cells(Ledger(twelve_run(), "ali"))
    told = {days: {str(month)[:7]: share for month, share in points} for days, points in cells["order_loan"].items()}
    # June's loan 11 is due on 20 July: 30 days later is seen, 90 days later is not; July's loan 12 is paid by then.
    assert sorted(told[90]) == ["2012-01", "2012-02", "2012-03", "2012-04"]
    assert sorted(told[30]) == ["2012-01", "2012-02", "2012-03", "2012-04", "2012-06", "2012-07"]
    assert told[90]["2012-03"] == 6 / 11
    assert told[90]["2012-04"] == 0
    assert told[30]["2012-04"] == 1
    # Loan 2 of the lines was due on 18 July, loan 8 only on 29 September.
    lines = cells["revolving_line"]
    assert [str(month)[:7] for month, _ in lines[30]] == ["2012-01"]
    assert lines[90] == []


def test_events_are_marked_inside_the_days_shown() -> None:
    run = busy_run(n_loans=30)
    figure, said = plots.draw(next(p for p in plots.PICTURES if p.name == "sales"), run, "ali")
    named = {text.get_text(): text for text in figure.axes[0].texts}
    assert set(named) == {"double eleven", "double twelve", "dry spring"}
    assert named["double eleven"].xyann[1] != named["double twelve"].xyann[1]  # they stand close: one steps up
    assert "dry spring on 1 March 2012" in said
    early = Run.from_tables(twelve_tables(), twelve_run().manifest, scenario(events={"x": {"date": "2020-01-01"}}))
    figure, said = plots.draw(next(p for p in plots.PICTURES if p.name == "sales"), early, "ali")
    assert not figure.axes[0].texts
    assert "Events" not in said


def test_words_of_a_scenario_cannot_break_a_picture() -> None:
    events = {'<b>&"$x^2$': {"date": "2012-03-08", "kind": "promotion", "days": "14 days"}}
    run = Run.from_tables(twelve_tables(), twelve_run().manifest, scenario(events=events))
    page = plots.svg(next(p for p in plots.PICTURES if p.name == "sales"), run, "ali")
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "$x^2$" in page


def test_a_lender_that_hardly_lends_keeps_its_balance_readable() -> None:
    tables = twelve_tables()
    daily = tables["daily"].to_pandas()
    daily["funds_fen"] *= 100
    run = Run.from_tables(tables | {"daily": daily}, twelve_run().manifest, scenario())
    figure, _ = plots.draw(plots.PICTURES[0], run, "ali")
    assert figure.axes[0].get_ylim()[1] < 100
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "fundable money (15.0 m yuan, off scale)" in legend


def test_headline_figure_and_its_short_form() -> None:
    assert len(twelve_run().plot().axes) == 5
    assert len(no_credit_run().plot().axes) == 1


@pytest.mark.parametrize("n_days", [3, 20, 274])
def test_short_runs_are_drawn(tmp_path: Path, n_days: int) -> None:
    tables = twelve_tables()
    tables["daily"] = tables["daily"][:n_days]
    last = str(tables["daily"]["date"][-1].as_py())
    run = Run.from_tables(tables, {**twelve_run().manifest, "report_from": "2012-01-01", "report_to": last}, scenario())
    for picture in plots.PICTURES:
        figure, _ = plots.draw(picture, run, "ali")
        figure.savefig(tmp_path / "picture.png")
        labels = [text.get_text() for text in figure.axes[-1].get_xticklabels()]
        assert len(labels) <= 12


def test_very_long_runs_are_thinned() -> None:
    shown = Shown(busy_run(n_loans=40, years=6), "ali")
    assert len(shown.day("balance_fen")) > _LONGEST
    assert len(shown.line("balance_fen")) == len(shown.x) < 300
    days, means = shown.week_mean("balance_fen")
    assert len(days) == len(means)
