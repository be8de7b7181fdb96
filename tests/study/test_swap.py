"""Swap sets: every merchant in one group, money and truth of the two runs, inference from the old run alone."""

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
from sim.core import draws
from sim.errors import StoreError
from sim.results.run import Run
from sim.study.reject_inference import FACTOR, Inference, log_odds, logistic_curve
from sim.study.swap import PARTS, SwapSet, swap_set
from sim.study.swap_inference import infer

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
PLAN: dict[str, Any] = {
    "merchants.number": 2000,
    "calendar.days": 240,
    "merchants.borrowing.habit_mean": 0.2,
    "merchants.character": {"opportunists": 0.35, "fraudsters": 0.06, "fraud_delay": "60 days"},
    "merchants.repayment": {"shop_value": "5 days", "sanction": "0 yuan"},
    "events": {"slump": {"date": "2012-04-20", "kind": "recession", "size": 0.6, "days": 120}},
    "lenders.ali.equity": "4 m yuan",
    "lenders.ali.products.revolving_line.term": "40 days",
    "lenders.ali.eligibility.min_tenure": "0 days",
}


@cache
def run(cutoff: float = 0.8, seed: int = 1, days: int = 240, n: int = 2000) -> Run:
    changes = {"lenders.ali.scoring.cutoff": cutoff, "calendar.days": days, "merchants.number": n}
    return sim.simulate(sim.load(TINY, PLAN | changes), seed=seed, threads=1)


@cache
def found() -> SwapSet:
    return swap_set(run(0.8), run(0.3), names=("strict", "loose"), bad_after=30, copies=200)


def first(of: Run) -> pd.DataFrame:
    return of.applications.drop_duplicates("merchant_id").set_index("merchant_id")


def test_every_merchant_is_in_one_group_by_first_decisions() -> None:
    strict, loose = first(run(0.8)), first(run(0.3))
    both = strict.index.intersection(loose.index)
    yes = [one.loc[both, "decision"] != "declined" for one in (strict, loose)]
    assert found().group("AA").n == (yes[0] & yes[1]).sum() > 100
    assert found().group("AD").n == (yes[0] & ~yes[1]).sum()
    assert found().group("DA").n == (~yes[0] & yes[1]).sum() > 20
    assert found().group("DD").n == (~yes[0] & ~yes[1]).sum()
    alone = strict.loc[strict.index.difference(loose.index), "decision"]
    assert found().group("A_approved").n == (alone != "declined").sum()
    assert found().group("A_declined").n == (alone == "declined").sum()
    there = (run().merchants["entered"] <= run().daily["date"].max()).sum()
    assert sum(group.n for group in found().groups) == there == found().group("all").n


def test_money_is_all_the_money_and_parts_are_the_whole() -> None:
    groups = found().groups
    for side, of in (("a", run(0.8)), ("b", run(0.3))):
        lent = sum(getattr(group, side).lent for group in groups)
        assert lent == pytest.approx(of.loans["principal_fen"].sum() / 100, rel=1e-12)
    total = found().group("all")
    assert total.profit_difference == pytest.approx(sum(group.profit_difference for group in groups), rel=1e-9)
    rest = sum(found().group(name).profit_difference for name, *_ in PARTS if name != "all")
    assert total.profit_difference == pytest.approx(rest, rel=1e-9)
    low, high = total.interval
    assert low is not None
    assert high is not None
    assert low < total.profit_difference < high


def test_the_truth_of_those_swapped_in_is_that_of_the_run_that_lent_to_them() -> None:
    strict, loose = first(run(0.8)), first(run(0.3))
    both = strict.index.intersection(loose.index)
    swapped = both[(strict.loc[both, "decision"] == "declined") & (loose.loc[both, "decision"] != "declined")]
    loans = run(0.3).loans
    loans = loans[loans["merchant_id"].isin(swapped)]
    last = run(0.3).daily["date"].max()
    known = loans[loans["due"] + pd.Timedelta(days=30) <= last]
    bad = known[(known["max_dpd"] >= 30) | (known["written_off_fen"] > 0)]
    group = found().group("DA")
    assert group.b.n_known == known["merchant_id"].nunique()
    assert group.b.n_bad == bad["merchant_id"].nunique() > 3
    assert group.b.n_borrowers == loans["merchant_id"].nunique()
    truth = run(0.3).merchants.set_index("merchant_id").loc[swapped]
    assert group.fraudsters == (truth["integrity"] == "fraudster").mean()
    assert group.quality == pytest.approx(truth["quality"].mean(), rel=1e-12)
    assert {one.true for one in found().inferred} == {group.b.bad_rate}
    assert f"{group.n:,} whom strict refuses" in found().verdict()


def test_a_strategy_against_itself_swaps_nobody() -> None:
    same = swap_set(run(0.8), run(0.8), copies=20)
    assert not any(same.group(name).n for name in ("AD", "DA", "A_approved", "A_declined", "B_approved", "B_declined"))
    assert all(group.profit_difference == 0 for group in same.groups)
    assert {one.error for one in same.inferred} == {None}
    assert "could infer nothing" in same.verdict()


def test_the_other_way_round_is_the_mirror() -> None:
    other = swap_set(run(0.3), run(0.8), bad_after=30, copies=20)
    assert other.group("AD").n == found().group("DA").n
    assert other.group("AD").a.profit == found().group("DA").b.profit
    assert other.group("all").profit_difference == -found().group("all").profit_difference


def test_other_worlds_are_refused() -> None:
    for other, said in ((run(seed=2, days=30), "different worlds"), (run(n=300, days=240), "different worlds")):
        with pytest.raises(StoreError, match=said):
            swap_set(run(), other)
    with pytest.raises(StoreError, match="different seeds"):
        swap_set(run(days=30, n=300), run(seed=2, days=30, n=300))
    with pytest.raises(ValueError, match=r"no lender 'bank'; allowed: ali"):
        swap_set(run(), run(), "bank")


def test_a_curve_through_two_groups_is_their_odds() -> None:
    """With two scores the likeliest curve goes through both rates."""
    x = np.repeat([1.0, 3.0], 100)
    is_bad = np.arange(200) % 100 < np.repeat([20, 5], 100)
    level, slope = logistic_curve(x, is_bad)
    assert level + slope == pytest.approx(np.log(0.2 / 0.8), abs=1e-4)
    assert level + 3 * slope == pytest.approx(np.log(0.05 / 0.95), abs=1e-4)
    parted = logistic_curve(x, x < 2)  # finite, although no error is left
    assert np.isfinite(parted).all()
    assert parted[1] < 0


def scores(n: int, key: int) -> tuple[Any, Any]:
    """Scores between 0.5 and 1, and uniforms to decide outcomes by."""
    ids = np.arange(n)
    return 0.5 + 0.5 * draws.uniform(key, "study.resample", 0, ids, 1), draws.uniform(key, "study.resample", 0, ids, 2)


def test_extrapolation_is_right_where_the_score_tells_all_and_too_low_where_it_does_not() -> None:
    score, coin = scores(8000, 3)
    is_bad = coin < 1.0 - score
    accepted = score >= 0.8
    told = infer(Inference(), score[accepted], is_bad[accepted], score[~accepted], is_bad[~accepted], 1, 100)
    by = {one.method: one for one in told}
    low, high = by["extrapolation"].error_interval
    assert low is not None
    assert high is not None
    assert low < 0 < high
    assert by["accepted"].error_interval.high is not None
    assert by["accepted"].error_interval.high < -0.1
    # people who meet the applicants refuse half of the bad ones at any score: the accepted say nothing of it
    unseen = accepted & ~(is_bad & (scores(8000, 4)[1] < 0.5))
    worse = {one.method: one for one in
             infer(Inference(), score[unseen], is_bad[unseen], score[~unseen], is_bad[~unseen], 1, 100)}  # fmt: skip
    assert worse["extrapolation"].error_interval.high is not None
    assert worse["extrapolation"].error_interval.high < 0
    assert "too low" in worse["extrapolation"].say("ali")


def test_no_bad_merchant_is_no_certainty() -> None:
    score, nobody = scores(200, 5)[0], np.zeros(200, bool)
    by = {one.method: one for one in infer(Inference(), score, nobody, score[:30], nobody[:30], 1, 50)}
    low, high = by["accepted"].error_interval
    assert low is not None
    assert high is not None
    assert low < -0.05 < 0 < high
    assert by["parcelling"].error == 0
    assert by["parcelling"].error_interval == by["parcelling"].inferred_interval == (None, None)
    assert "nothing says how sure" in by["parcelling"].say("ali")


def test_parcelling_by_hand() -> None:
    score = np.array([0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95])
    is_bad = np.array([True, True, False, False, True, False, False, False])
    refused = np.array([0.2, 0.3, 0.9, 0.9])
    # two bands, cut at the median 0.775: half bad below, a quarter above; the score below all takes the lower band
    assert Inference(2, 1.0).inferred(score, is_bad, refused)["parcelling"] == pytest.approx((2 * 0.5 + 2 * 0.25) / 4)
    assert Inference(2, 3.0).inferred(score, is_bad, refused)["parcelling"] == pytest.approx((2 * 1.0 + 2 * 0.75) / 4)
    assert Inference(2, 1.0).inferred(score, is_bad, refused)["accepted"] == pytest.approx(3 / 8)
    assert Inference(2).factor == FACTOR
    assert set(Inference().inferred(score, is_bad, refused[:0]).values()) == {None}
    assert Inference().inferred(score, np.zeros(8, bool), refused)["extrapolation"] is None
    for bad in ({"bands": 0}, {"factor": 0.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Inference(**bad)  # type: ignore[arg-type]


def test_log_odds_are_held() -> None:
    assert log_odds(np.array([0.5]))[0] == 0
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_the_command(tmp_path: Path) -> None:
    run(0.8).save(tmp_path / "strict")
    run(0.3).save(tmp_path / "loose")
    run(days=30, n=300).save(tmp_path / "other")

    def call(*words: str | Path) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["swap", *map(str, words)])
        return done.exit_code, done.stdout, done.stderr

    code, told, said = call(tmp_path / "strict", tmp_path / "loose", "--bad-after", "30", "--json")
    assert (code, said) == (0, "")
    rows = {row["group"]: row for row in json.loads(told)["rows"]}
    assert rows["DA"]["bad_rate_b"] == found().group("DA").b.bad_rate
    assert rows["DA"]["label"] == "swapped in: approved by loose alone"
    code, told, _ = call(tmp_path / "strict", tmp_path / "loose", "--bands", "3", "--factor", "1.5")
    assert code == 0
    assert "by parcelling, 3 bands" in told
    for words, why in (
        ((tmp_path / "strict", tmp_path / "other"), "different worlds"),
        ((tmp_path / "strict", tmp_path / "nowhere"), "nowhere"),
        ((tmp_path / "strict", tmp_path / "loose", "--factor", "0"), "factor 0"),
        ((tmp_path / "strict", tmp_path / "loose", "--lender-b", "bank"), "allowed: ali"),
    ):
        code, _, problem = call(*words)
        assert code == 2
        assert why in problem
