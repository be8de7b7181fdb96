"""Targets: figures on paper, bands at full scale, verdicts over seeds, bad files."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from paper_run import LINE, PaperLoan, build, manifest
from typer.testing import CliRunner

from sim.app.cli import app
from sim.errors import ScenarioError, StoreError
from sim.results.ledger import Ledger
from sim.results.run import Run
from sim.study.figures import FIGURES, first_day_of_interest
from sim.study.targets import find_runs, judge, read_targets

TARGETS = Path(__file__).parents[2] / "experiments" / "ali_finance_2012h1" / "targets.yaml"
# Merchant 1 has two loans that overlap on 5 days, merchant 2 one that began before the window, merchant 3 one line.
LOANS = [
    PaperLoan(1, 1, "2012-02-01", 1_000, "2012-03-01", "2012-02-11"),
    PaperLoan(2, 1, "2012-02-06", 20_000, "2012-03-06", "2012-02-20"),
    PaperLoan(3, 2, "2012-01-20", 500_000, "2012-02-19", "2012-02-05"),
    PaperLoan(4, 3, "2012-02-10", 4_000, "2012-08-08", "2012-02-25", **LINE),
]


def paper(scale: float = 1.0, loans: list[PaperLoan] = LOANS) -> Run:
    scenario = {
        "calendar": {"report_from": "2012-02-01", "report_to": "2012-02-29"}, "lenders": {"ali": {}}, "scale": scale,
    }  # fmt: skip
    tables = build(loans, "2012-01-01", "2012-03-31")
    return Run.from_tables(tables, manifest("2012-02-01", "2012-02-29"), scenario)


def figure(name: str) -> object:
    return FIGURES[name].function(Ledger(paper(), "ali"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loans_a_day", 3 / 29),
        ("loans_a_day_best_week", 2 / 7),
        # in debt from the day after the payout to the day of payoff: 19 days (2 to 20 February), 5, and 15
        ("days_in_debt_active", (19 + 5 + 15) / 3 * 365 / 29),
        ("days_in_debt_ever", (19 + 5 + 15) / 3 * 365 / 29),
        ("share_under_500k", 1.0),
        ("largest_loan", 20_000.0),
        ("order_loan_life_median", 12.0),
        ("order_loan_life_mean", 12.0),
        ("credit_loan_life_mean", 15.0),
        ("order_loans_under_10k", 0.5),
        ("order_loan_share", 2 / 3),
        ("loans_a_customer", 1.0),
        ("top_fifth_share", 2 / 3),
        ("days_over_leverage", 0),
        ("loans_over_ceiling", 0),
        ("disbursed_before", 500_000.0),
        ("bank_debt_end", 20_000.0),
        # the balance is above the 150,000 yuan of fundable money from 20 January to 4 February
        ("days_over_funds", 16),
    ],
)
def test_figures_on_paper(name: str, value: float) -> None:
    assert figure(name) == pytest.approx(value)


def test_rates_and_balances_on_paper() -> None:
    """Balances: 1,000 on 10 days, 20,000 on 14, half a million on 4, 4,000 on 15 days of February, payoff days out."""
    days = 1_000 * 10 + 20_000 * 14 + 500_000 * 4 + 4_000 * 15
    assert figure("balance_in_debt") == pytest.approx(days / 39)
    # interest runs from the day after the draw to the day of payoff
    interest = 0.0005 * (1_000 * 10 + 20_000 * 14 + 500_000 * 5) + 0.0006 * 4_000 * 15
    assert figure("interest_a_day") == pytest.approx(interest / 29)
    assert figure("rate_a_day") == pytest.approx(interest / days)
    assert figure("paid_of_used") == pytest.approx(interest / days * 39 / 3 * 365 / 29)


def test_the_first_day_of_enough_interest() -> None:
    book = Ledger(paper(), "ali")
    assert first_day_of_interest(book, 250.0) == date(2012, 1, 21)
    assert first_day_of_interest(book, 250.5) == date(2012, 2, 2)  # with half a yuan of the new loan
    assert first_day_of_interest(book, 1e6) is None


def test_loans_dearer_than_four_benchmarks_are_counted() -> None:
    """On 1 February 2012 four benchmarks are 24.4 % up to six months."""
    dear = [PaperLoan(1, 1, "2012-02-01", 1_000, "2012-03-01", "2012-02-11", ppm=244_001), *LOANS[1:]]
    assert FIGURES["loans_over_ceiling"].function(Ledger(paper(loans=dear), "ali")) == 1


def targets(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "targets.yaml"
    file.write_text("targets:\n" + text)
    return file


def test_money_and_counts_are_judged_at_full_scale(tmp_path: Path) -> None:
    file = read_targets(
        targets(
            tmp_path,
            "  A: {figure: n_loans, low: 60, high: 60, kind: hard}\n"
            "  B: {figure: ticket_mean, low: 8000 yuan, high: 9000 yuan}\n"
            "  C: {figure: first_day_of_interest, amount: 5000 yuan, low: 2012-01-21, high: 2012-01-21}\n"
            "  D: {figure: loans_a_day, low: 2.06, high: 2.08}\n",
        )
    )
    verdict = judge([paper(scale=0.05)], file)
    assert [(row.id, row.passed) for row in verdict.rows] == [("A", True), ("B", True), ("C", True), ("D", True)]
    assert verdict.rows[0].value == pytest.approx(60.0)
    assert verdict.rows[1].value == pytest.approx(25_000 / 3)
    assert not judge([paper()], file).passed


def test_means_over_seeds_with_their_interval(tmp_path: Path) -> None:
    file = read_targets(targets(tmp_path, "  A: {figure: n_loans, low: 2.4, high: 2.6}\n"))
    [row] = judge([paper(), paper(loans=LOANS[1:])], file).rows
    assert (row.value, row.n, row.passed) == (2.5, 2, True)
    assert row.low < 2.5 < row.high


def test_an_undefined_figure_fails(tmp_path: Path) -> None:
    file = read_targets(targets(tmp_path, "  A: {figure: credit_loan_life_mean, low: 0, high: 1000}\n"))
    assert not judge([paper(loans=LOANS[:3])], file).rows[0].passed


def test_enough_soft_targets_and_all_hard_ones_must_pass(tmp_path: Path) -> None:
    soft = "".join(f"  S{k}: {{figure: n_loans, low: {0 if k < 4 else 99}}}\n" for k in range(5))
    assert judge([paper()], read_targets(targets(tmp_path, soft))).passed
    one_more = soft + "  S9: {figure: n_loans, low: 99}\n"
    assert not judge([paper()], read_targets(targets(tmp_path, one_more))).passed
    hard = soft + "  H: {figure: n_loans, low: 99, kind: hard}\n"
    verdict = judge([paper()], read_targets(targets(tmp_path, hard)))
    assert (verdict.hard, verdict.soft, verdict.passed) == ((0, 1), (4, 5), False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  A: {figure: n_lons, low: 1}\n", "2:15: targets.A.figure: there is no figure 'n_lons'"),
        ("  A: {figure: n_loans}\n", "targets.A: has no band"),
        ("  A: {figure: n_loans, low: 2, high: 1}\n", "targets.A.low: the least is above the most"),
        ("  A: {figure: n_loans, low: much}\n", "targets.A.low: no bound"),
        ("  A: {figure: n_loans, low: 2012-01-01}\n", "targets.A.low: the bound is of another kind"),
        ("  A: {figure: first_day_of_interest, low: 2012-01-01}\n", "an amount belongs to first_day_of_interest"),
        ("  A: {figure: n_loans, lowest: 1}\n", 'targets.A.lowest: unknown key "lowest"'),
        ("  A: {figure: n_loans, low: 1, kind: hardest}\n", "targets.A.kind"),
    ],
)
def test_a_bad_file_is_refused_by_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        read_targets(targets(tmp_path, text))
    assert said in str(refused.value)
    assert "targets.yaml:2:" in str(refused.value)


def test_the_published_targets_can_be_read() -> None:
    file = read_targets(TARGETS)
    assert sum(one.kind == "hard" for one in file.targets.values()) == 14
    assert file.targets["T7a"].low == pytest.approx(0.00053)
    assert file.targets["T1"].high == pytest.approx(13.65e9)
    for name, target in file.targets.items():
        if target.target is not None:
            assert target.low is None or target.target >= target.low, name
            assert target.high is None or target.target <= target.high, name


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        find_runs(tmp_path)


def test_the_command(tmp_path: Path) -> None:
    scenario = tmp_path / "small.yaml"
    scenario.write_text(
        "calendar: {start: 2012-01-01, days: 40}\nmerchants: {number: 60}\nlenders: {ali: {equity: 1 m yuan, "
        "products: {order_loan: {}}}}\n"
    )
    runner = CliRunner()
    made = runner.invoke(app, ["run", str(scenario), "--seeds", "2", "--out", str(tmp_path / "runs"), "--no-report"])
    assert made.exit_code == 0, made.output
    file = targets(tmp_path, "  A: {figure: n_loans, low: 0, what: loans}\n  B: {figure: npl90, low: 50 %}\n")
    told = runner.invoke(app, ["targets", str(tmp_path / "runs"), str(file)])
    assert told.exit_code == 1
    assert "1 of 2 soft ones" in told.output
    assert "means over 2 seeds" in told.output
    rows = json.loads(runner.invoke(app, ["targets", str(tmp_path / "runs"), str(file), "--json"]).output)
    assert [row["id"] for row in rows["rows"]] == ["A", "B"]
    assert {"id", "value", "low", "high", "kind", "passed"} <= set(rows["rows"][0])
    assert rows["passed"] is False
    bad = runner.invoke(app, ["targets", str(tmp_path / "runs"), str(tmp_path / "absent.yaml")])
    assert bad.exit_code == 2
