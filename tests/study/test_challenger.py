"""Trials inside one market: intervals, accounts by merchant, assignment, the truth across markets."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import sim
from sim.app.cli import app
from sim.core.channels import in_audience, place_in_split
from sim.engine.scenario import Scenario
from sim.results.run import Run
from sim.study.accounts import accounts_with
from sim.study.arm_figures import ASSIGNED, FIGURES, estimates, figures_of, side_of
from sim.study.balance import standardised_difference
from sim.study.challenger import arms_in, assigned, compare_arms
from sim.study.intervals import of_copies, of_difference, of_share, resampled_sums
from sim.study.trial_truth import alone, beside_truth

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
RIVAL: dict[str, Any] = {
    "equity": "1 m yuan",
    "products": {"order_loan": {"rate": "0.02 %/day"}, "revolving_line": {"rate": "0.02 %/day", "term": "30 days"}},
    "bank_debt": {"cap": "0.5 of net capital", "rate": "7 %/year"},
}
PLAN: dict[str, Any] = {
    "merchants.number": 1200,
    "calendar.days": 150,
    "merchants.borrowing.habit_mean": 0.2,
    "merchants.character": {"opportunists": 0.35, "fraudsters": 0.06, "fraud_delay": "60 days"},
    "merchants.repayment": {"shop_value": "5 days", "sanction": "0 yuan"},
    "events": {"slump": {"date": "2012-03-20", "kind": "recession", "size": 0.7, "days": 120}},
    "lenders.ali.scoring.cutoff": 0.0,
    "lenders.ali.products.revolving_line.term": "30 days",
    "lenders.ali.equity": "1 m yuan",
}
TRIAL: dict[str, Any] = PLAN | {
    "lenders.ali.audience": {"split": "trial", "below": 0.5},
    "lenders.rival": RIVAL | {"audience": {"split": "trial", "at_least": 0.5}},
}


def plan(changes: dict[str, Any]) -> Scenario:
    return sim.load(TINY, changes)


@cache
def plain() -> Run:
    return sim.simulate(plan(PLAN), seed=5, threads=1)


@cache
def trial() -> Run:
    return sim.simulate(plan(TRIAL), seed=5, threads=1)


def test_score_intervals_are_those_of_the_literature() -> None:
    """Newcombe 1998, Statistics in Medicine 17: 857-872, table I; 873-890, table II, method 10."""
    for n, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert of_share(n, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    for a, b, low, high in (((48, 80), (56, 70), 0.0524, 0.3339), ((3, 10), (9, 10), 0.1705, 0.8090)):
        assert of_difference(*a, *b) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert of_share(0, 0) == (None, None)
    assert of_difference(1, 2, 0, 0) == (None, None)


def test_resampled_means_spread_as_theory_says() -> None:
    values = np.column_stack([np.arange(400.0) ** 1.5, np.ones(400)])
    sums = resampled_sums(values, seed=1, group=0, copies=1000)
    assert (sums[:, 1] == 400).all()
    means = sums[:, 0] / 400
    assert means.mean() == pytest.approx(values[:, 0].mean(), rel=0.01)
    assert means.std() == pytest.approx(values[:, 0].std() / 20, rel=0.08)
    assert not np.array_equal(sums, resampled_sums(values, seed=1, group=1, copies=1000))
    assert np.array_equal(sums, resampled_sums(values, seed=1, group=0, copies=1000))
    low, high = of_copies(means)
    assert low is not None
    assert high is not None
    assert high - low == pytest.approx(2 * 1.96 * values[:, 0].std() / 20, rel=0.1)
    assert of_copies(np.array([1.0, np.nan])) == (None, None)


def test_accounts_are_those_of_the_tape() -> None:
    run = plain()
    loans, own = run.loans, accounts_with(run, "ali", bad_after=30)
    by = loans.groupby("merchant_id")
    place = np.searchsorted(own.merchant_id, by.size().index)
    assert own.n == len(run.merchants)
    assert own.n_loans.sum() == len(loans)
    assert (own.n_loans[place] == by.size()).all()
    assert (own.lent_fen[place] == by["principal_fen"].sum()).all()
    last = run.daily["date"].max()
    known = loans[loans["due"] + pd.Timedelta(days=30) <= last]
    bad = known[(known["max_dpd"] >= 30) | (known["written_off_fen"] > 0)]
    assert set(own.merchant_id[own.is_known]) == set(known["merchant_id"])
    assert set(own.merchant_id[own.is_bad]) == set(bad["merchant_id"])
    assert 10 < own.is_bad.sum() < own.is_known.sum() < own.borrows.sum()
    paid = loans[["interest_paid_fen", "penalty_paid_fen", "fee_paid_fen", "accrued_fen"]].sum().sum()
    assert own.income_fen.sum() == paid - loans["refunded_fen"].sum()
    shares = np.select([loans["dpd"] >= 90, loans["dpd"] >= 61, loans["dpd"] >= 31, loans["dpd"] >= 1],
                       [1.0, 0.5, 0.25, 0.02], 0.01)  # fmt: skip
    expected = (loans["written_off_fen"] - loans["recovered_fen"] + shares * loans["balance_fen"]).sum()
    assert own.loss_fen.sum() == pytest.approx(expected, rel=1e-12)
    daily = run.daily
    cost = daily["operating_cost_fen"].sum() + daily["funding_cost_fen"].sum()
    assert own.cost_fen.sum() == pytest.approx(cost, rel=0.02)  # fen-days of open loans are approximate
    assert not accounts_with(run, "nobody").borrows.any()


def test_only_loans_of_the_report_window_count() -> None:
    run = sim.simulate(plan(PLAN | {"calendar.report_from": "2012-04-01"}), seed=5, threads=1)
    inside = run.loans[run.loans["opened"] >= "2012-04-01"]
    assert accounts_with(run, "ali").lent_fen.sum() == inside["principal_fen"].sum() < run.loans["principal_fen"].sum()


def test_intervals_cover_where_the_arms_are_the_same() -> None:
    """One lender, merchants split by a hundred names: differences are chance, and about 95 in 100 intervals hold zero.

    A few less for money, which is skewed.
    """
    whole = side_of(plain(), "ali", bad_after=30)
    covered = {one.name: 0 for one in FIGURES}
    for k in range(100):
        is_a = place_in_split(5, f"name {k}", whole.accounts.merchant_id) < 0.5
        sides = [type(whole)(whole.accounts.of(who), whole.sales_fen[who], whole.has_closed[who])
                 for who in (is_a, ~is_a)]  # fmt: skip
        for one in estimates(sides[0], sides[1], k, copies=200):
            covered[one.figure.name] += not one.is_clear
    assert 0.90 < sum(covered.values()) / (100 * len(FIGURES)) < 0.98
    assert min(covered.values()) >= 84


def test_a_trial_compares_merchants_as_assigned() -> None:
    run, found = trial(), compare_arms(trial(), bad_after=30, difference=0.05, copies=200)
    there = run.merchants["entered"] <= run.daily["date"].max()  # the others come after the end
    place = place_in_split(5, "trial", run.merchants["merchant_id"][there].to_numpy())
    assert (found.a.lender, found.b.lender) == ("ali", "rival")
    assert (found.n_a, found.n_b) == ((place < 0.5).sum(), (place >= 0.5).sum())
    by_name = {one.figure.name: one for one in found.estimates}
    lent = run.loans.groupby("lender")["principal_fen"].sum() / 100
    assert by_name["lent_per_merchant"].a == pytest.approx(lent["ali"] / found.n_a, rel=1e-12)
    assert by_name["lent_per_merchant"].b == pytest.approx(lent["rival"] / found.n_b, rel=1e-12)
    borrowers = run.loans.groupby("lender")["merchant_id"].nunique()
    assert by_name["borrower_share"].a == borrowers["ali"] / found.n_a
    assert by_name["yield_after_losses"].is_clear  # at 0.02 % a day in place of 0.05 and 0.06
    assert by_name["yield_after_losses"].difference < 0  # type: ignore[operator]
    assert "yield after losses -" in found.verdict()
    assert "goes to rivals of its trade in either arm" in found.verdict()
    assert found.power.n_needed is not None
    known = 2 / (1 / found.power.n_champion + 1 / found.power.n_challenger)
    assert found.power.is_enough == (found.power.n_needed <= known)
    assert json.loads(json.dumps(found.as_dict()))["summary"]["n_champion"] == found.n_a


def test_who_enters_after_the_window_is_of_no_arm() -> None:
    run = sim.simulate(plan(TRIAL | {"calendar.report_to": "2012-03-20"}), seed=5, threads=1)
    a, b = arms_in(run.scenario["lenders"])
    both = assigned(run, a) | assigned(run, b)
    assert (both == (run.merchants["entered"] <= "2012-03-20")).all()
    assert not both.all()


def test_arms_are_balanced_and_imbalance_is_found() -> None:
    found = compare_arms(trial(), copies=2)
    chance = 1.96 * np.sqrt(1 / found.n_a + 1 / found.n_b)
    beyond = [one.trait for one in found.balance if one.standardised is not None and abs(one.standardised) > chance]
    assert len(beyond) <= 4  # of some twenty
    assert {"log_size", "luck", "quality", "platform tmall"} <= {one.trait for one in found.balance}
    assert standardised_difference(np.array([1.0, 3.0]), np.array([2.0, 4.0])) == 1.0  # both deviate by 1
    assert standardised_difference(np.ones(3), np.ones(3)) is None


def test_what_is_no_trial_is_refused() -> None:
    part = {"split": "trial", "at_least": 0.0, "below": 0.5}
    other = part | {"at_least": 0.5, "below": 1.0}
    for lenders, names, said in (
        ({"ali": {}}, (), "no lender has an audience"),
        ({"ali": {"audience": part}}, (), "alone in split trial"),
        ({"ali": {"audience": part}, "b": {"audience": other | {"split": "else"}}}, (), "alone in split trial"),
        ({"ali": {"audience": part}, "b": {"audience": part | {"at_least": 0.4}}}, (), "overlap"),
        ({"ali": {"audience": part}, "b": {"audience": other}}, ("nobody",), "allowed: ali, b"),
    ):
        with pytest.raises(ValueError, match=said):
            arms_in(lenders, *names)
    a, b = arms_in({"ali": {"audience": part}, "b": {"audience": other}}, None, "ali")
    assert (a.lender, b.lender) == ("b", "ali")


def test_a_lender_alone_has_the_whole_market_and_as_much_for_a_merchant() -> None:
    scenario = plan(TRIAL | {"lenders.third": RIVAL})
    arms = arms_in(scenario.resolved["lenders"])
    both = [alone(scenario, arm, arms) for arm in arms]
    assert [list(one.lenders) for one in both] == [["ali", "third"], ["ali", "third"]]
    assert all(one.lenders["ali"].audience is None for one in both)
    assert both[0].lenders["ali"].equity == 2 * scenario.lenders["ali"].equity
    assert both[1].lenders["ali"].pricing == scenario.lenders["rival"].pricing
    assert both[0].world_hash == scenario.world_hash
    wanted = plan(PLAN | {"lenders.ali.equity": "2 m yuan"})
    assert alone(plan(TRIAL), arms[0], arms).resolved["lenders"] == wanted.resolved["lenders"]


def test_without_a_link_the_trial_tells_the_truth_and_like_strategies_differ_nowhere() -> None:
    like = TRIAL | {"calendar.days": 60, "merchants.number": 400}
    own = plan(like).resolved["lenders"]["ali"] | {"audience": {"split": "trial", "at_least": 0.5}}
    found = beside_truth(plan(like | {"lenders.rival": own}), [1, 2, 3], workers=1, bad_after=30)
    assert not found.failures
    rows = {one.figure.name: one for one in found.rows}
    assert all(one.across.difference in (0, None) for one in found.rows)
    assert any(one.inside.difference for one in found.rows)  # chance assignment
    assert rows["lent_per_merchant"].gap.n == 3
    assert "no merchant" not in found.verdict()
    cheap = beside_truth(plan(like), [1, 2, 3], workers=1, bad_after=30)
    lower = {one.figure.name: one for one in cheap.rows}["yield_after_losses"]
    assert lower.across.high is not None
    assert lower.across.high < 0
    assert lower.inside.difference == pytest.approx(lower.across.difference, rel=0.5)
    assert cheap.times_wider is not None
    assert cheap.times_wider > 1


def test_figures_are_undefined_without_borrowers() -> None:
    nobody = side_of(trial(), "nobody")
    found = figures_of(nobody)
    assert found["bad_rate"] is None
    assert found["borrower_share"] == 0
    assert {one.reading for one in FIGURES if found[one.name] is not None} == {ASSIGNED}


def test_the_command(tmp_path: Path) -> None:
    small = plan(TRIAL | {"merchants.number": 300, "calendar.days": 40})
    sim.simulate(small, seed=2, threads=1, out=tmp_path / "trial")
    sim.simulate(plan({"merchants.number": 100, "calendar.days": 20}), seed=2, threads=1, out=tmp_path / "plain")

    def call(*words: str | Path) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["challenger", *map(str, words)])
        return done.exit_code, done.stdout, done.stderr

    code, told, said = call(tmp_path / "trial", "--across", "2", "--workers", "1", "--out", tmp_path / "kept", "--json")
    assert (code, said) == (0, "")
    found = json.loads(told)
    assert [row["measure"] for row in found["rows"]] == [one.name for one in FIGURES]
    assert found["across"]["summary"]["seeds"] == [2, 3]
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"trial", "champion", "challenger"}
    merchants = pd.read_parquet(tmp_path / "trial" / "merchants.parquet")
    ids = merchants["merchant_id"][pd.to_datetime(merchants["entered"]) <= "2012-03-25"].to_numpy()  # the last day
    assert found["summary"]["n_champion"] == in_audience(2, "trial", ids, 0.0, 0.5).sum()
    code, told, _ = call(tmp_path / "trial")
    assert code == 0
    assert "rival less ali, merchants by split trial" in told
    assert call(tmp_path / "plain")[0] == 2
    assert "needs two" in call(tmp_path / "plain")[2]
