"""Audiences: a lender in a trial shows itself to its part of a split alone, and everybody else lives as before."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from small import TABLES, lived, scenario

import sim
from sim.core.channels import in_audience, place_in_split
from sim.core.merchants import OPEN
from sim.errors import ScenarioError
from sim.results.channels import channel_table
from sim.results.run import Run

IDS = np.arange(1, 40_001)
PLAN: dict[str, Any] = {
    "merchants.number": 900,
    "calendar.days": 60,
    "merchants.borrowing.habit_mean": 0.2,
    "lenders.ali.eligibility": {"min_tenure": "0 days", "min_monthly_sales": "0 yuan"},
}
RIVAL: dict[str, Any] = {
    "equity": "1 m yuan",
    "products": {"order_loan": {"rate": "0.05 %/day"}, "revolving_line": {"rate": "0.06 %/day"}},
    "eligibility": {"min_tenure": "0 days", "min_monthly_sales": "0 yuan"},
}
TRIAL: dict[str, Any] = PLAN | {
    "lenders.ali.audience": {"split": "trial", "below": 0.3},
    "lenders.rival": RIVAL | {"audience": {"split": "trial", "at_least": 0.3}},
}


@cache
def trial() -> Run:
    return sim.simulate(scenario(TRIAL), seed=4, threads=1)


def test_a_place_is_drawn_once_by_merchant_and_split() -> None:
    place = place_in_split(3, "trial", IDS)
    assert ((place > 0) & (place < 1)).all()
    assert abs(np.histogram(place, 10, (0, 1))[0] / IDS.size - 0.1).max() < 0.006
    assert (place_in_split(3, "trial", IDS[::-7]) == place[::-7]).all()  # whoever else is there, in any order
    for other in (place_in_split(3, "another", IDS), place_in_split(4, "trial", IDS)):
        assert abs(np.corrcoef(place, other)[0, 1]) < 0.02


def test_parts_that_meet_share_nobody_and_leave_nobody_out() -> None:
    parts = [in_audience(3, "trial", IDS, low, high) for low, high in ((0.0, 0.3), (0.3, 0.55), (0.55, 1.0))]
    assert (np.sum(parts, axis=0) == 1).all()
    assert abs(parts[1].mean() - 0.25) < 0.01


def test_each_lender_shows_itself_to_its_part_and_to_all_of_it() -> None:
    market = lived(scenario(TRIAL), 1, seed=4)
    m = market.merchants
    champions = in_audience(4, "trial", m.merchant_id, 0.0, 0.3)
    is_open = (m.status == OPEN) & (m.opened_day <= market.calendar[0].number)
    visible = m.lender["is_visible"]
    assert (visible[0] == (champions & is_open)).all()
    assert (visible[1] == (~champions & is_open)).all()


def test_nobody_ever_asks_the_other_lender() -> None:
    told = trial()
    for table in (told.applications, told.loans):
        champions = in_audience(4, "trial", table["merchant_id"].to_numpy(), 0.0, 0.3)
        assert (table["lender"][champions] == "ali").all()
        assert (table["lender"][~champions] == "rival").all()
        assert set(table["lender"]) == {"ali", "rival"}


def test_an_audience_of_all_changes_no_bit() -> None:
    plain = sim.simulate(scenario(PLAN), seed=4, threads=1)
    whole = sim.simulate(scenario(PLAN | {"lenders.ali.audience": {"split": "trial"}}), seed=4, threads=1)
    assert len(plain.loans) > 100
    for name in TABLES:
        assert plain.frame(name).equals(whole.frame(name)), name


def test_luck_is_the_same_in_a_trial() -> None:
    plain = sim.simulate(scenario(PLAN), seed=4, threads=1)
    columns = ["merchant_id", "opened", "size_fen", "quality", "luck"]
    assert plain.merchants[columns].equals(trial().merchants[columns])


def test_more_merchants_move_nobody_to_another_arm() -> None:
    few, many = (
        lived(scenario(TRIAL | {"merchants.number": n}), 1, seed=4).merchants for n in (400, 900)
    )
    is_known = np.isin(many.merchant_id, few.merchant_id)
    assert is_known.sum() == few.n
    assert (many.lender["is_visible"][:, is_known] == few.lender["is_visible"]).all()


def test_without_rivalry_a_merchant_of_the_champion_lives_as_if_there_were_no_challenger() -> None:
    """Nothing links merchants and money is plenty: the champion's loans are those of a market without the other."""
    apart = {"merchants.demand.business_stealing": 0.0, "lenders.ali.equity": "100 m yuan"}
    alone = {key: value for key, value in TRIAL.items() if key != "lenders.rival"}
    with_rival, without = (sim.simulate(scenario(plan | apart), seed=4, threads=1) for plan in (TRIAL, alone))
    own = with_rival.loans[with_rival.loans["lender"] == "ali"].reset_index(drop=True)
    assert len(own) > 30
    assert own.equals(without.loans)


def test_an_audience_can_widen_on_a_date() -> None:
    wider = {"date": "2012-03-20", "set": {"audience.below": 1.0}}
    told = sim.simulate(scenario(TRIAL | {"lenders.ali.changes": {"roll_out": wider}}), seed=4, threads=1)
    own = told.applications[told.applications["lender"] == "ali"]
    is_other = ~in_audience(4, "trial", own["merchant_id"].to_numpy(), 0.0, 0.3)
    assert is_other.any()
    assert str(own["date"][is_other].min())[:10] >= "2012-03-20"


def test_channels_of_a_lender_in_a_trial_reach_its_own_part() -> None:
    channels = {"fair": {"reach": 0.6, "registers": 0.5, "cost": "2 yuan", "over": "20 days"}}
    eligibility = PLAN["lenders.ali.eligibility"] | {"invited": 0.0, "channels": channels}
    told = sim.simulate(scenario(TRIAL | {"lenders.ali.eligibility": eligibility}), seed=4, threads=1)
    table = channel_table(told, "ali")
    own = told.daily[told.daily["lender"] == "ali"]
    assert own["channel_cost_fen"].sum() == table.loc["fair", "cost_fen"] > 0
    assert table.loc["fair", "reached"] / len(told.merchants) == pytest.approx(0.3 * 0.6, abs=0.04)
    assert table["customers"].sum() == told.loans.query("lender == 'ali'")["merchant_id"].nunique() > 0


def test_an_empty_part_and_a_misspelt_key_are_refused() -> None:
    for bad, said in (
        ({"split": "trial", "at_least": 0.5, "below": 0.5}, "the part from 0.5 to below 0.5 is empty"),
        ({"split": "trial", "below": 1.5}, "out of bounds"),
        ({"below": 0.5}, "split"),
        ({"split": "trial", "from": 0.5}, "from"),
    ):
        with pytest.raises(ScenarioError, match=said):
            scenario(PLAN | {"lenders.ali.audience": bad})


def test_overlaps_and_gaps_are_noted() -> None:
    assert scenario(TRIAL).notes == ()
    overlapping = scenario(TRIAL | {"lenders.ali.audience.below": 0.45})
    assert overlapping.notes == ("split trial: ali and rival both show themselves to the part from 0.3 to 0.45",)
    gap = scenario(TRIAL | {"lenders.ali.audience.below": 0.25})
    assert gap.notes == ("split trial: no lender of it shows itself to the part from 0.25 to 0.3",)
    alone = scenario(PLAN | {"lenders.ali.audience": {"split": "trial", "below": 0.5}})
    assert alone.notes == ("split trial: no lender of it shows itself to the part from 0.5 to 1",)
