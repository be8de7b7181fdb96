"""Joint lending: the books close, the parts add up, the lender's money reaches further, losses fall where agreed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import ROUGH, assert_equal_frames, lived, scenario

import sim
from sim.core.loanbook import PRODUCTS
from sim.engine.books import GRAINS_PER_FEN
from sim.engine.market import Market
from sim.errors import BooksError, ScenarioError
from sim.institutions.partner import PartnerBank
from sim.results.run import Run

JOINT = "lenders.ali.joint_lending"
BANK = "partner of ali"
KINDS: dict[str, Any] = {
    "by share": {"share": 0.3},
    "odd share, one product": {"share": 0.37, "products": ["revolving_line"], "fee_of_interest": 0.1},
    "first loss": {"share": 0.3, "losses": "first_loss", "first_loss": 0.002, "trigger": "dpd_31"},
}
FUNDED = ROUGH | {"calendar": {"start": "2012-02-15", "days": 150}}


@cache
def run_of(kind: str, **more: Any) -> Run:
    joint = {JOINT: KINDS[kind]} if kind else {}
    return sim.simulate(scenario(FUNDED | joint | dict(more)), seed=3, threads=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_books_close_and_the_parts_add_up_every_day(kind: str) -> None:
    market = lived(scenario(FUNDED | {JOINT: KINDS[kind]}), 0)
    joint = [PRODUCTS.index(name) for name in KINDS[kind].get("products", PRODUCTS)]
    ppm = 1_000_000 - round(KINDS[kind]["share"] * 1_000_000)
    while market.running:
        market.step()
        market.count_books()
        book, accounts = market.book, market.books.balances
        whole = int(book["balance"].sum())
        theirs = int(book["balance"][np.isin(book["product"], joint)].sum()) * ppm / 1_000_000
        assert accounts["ali", "loans"] + accounts[BANK, "loans"] == whole * GRAINS_PER_FEN
        assert abs(accounts[BANK, "loans"] / GRAINS_PER_FEN - theirs) <= len(joint)
        assert sum(grains for (holder, _), grains in accounts.items() if holder == BANK) == 0
        assert accounts["ali", "cash"] >= 0
    assert int(market.book["written_off"].sum()) > 0


def test_a_fen_that_the_partner_has_not_got_stops_the_run() -> None:
    market = lived(scenario(FUNDED | {JOINT: KINDS["by share"]}), 30)
    market.books.entry(BANK, "losses", "loans", GRAINS_PER_FEN)
    with pytest.raises(BooksError, match=r"ali: account 'loans'"):
        market.step()


def test_the_partner_is_an_agent_and_only_where_there_is_one() -> None:
    with_one, without = (Market(scenario(changes), rng=1) for changes in ({JOINT: {}}, {}))
    assert [type(agent) for agent in with_one.agents].count(PartnerBank) == 1
    assert [type(agent) for agent in without.agents].count(PartnerBank) == 0


def test_the_same_money_lends_more_and_stays_within_its_leverage() -> None:
    alone, joint = run_of("").daily, run_of("by share").daily
    assert alone["rejected_funds"].sum() > 500  # money is short
    assert joint["disbursed_fen"].sum() > 2 * alone["disbursed_fen"].sum()
    for days in (alone, joint):
        assert (days["bank_debt_fen"] <= days["equity_fen"] * 0.5).all()
        assert (days["balance_fen"] <= days["funds_fen"]).all()
    assert (joint["own_balance_fen"] + joint["partner_balance_fen"] == joint["balance_fen"]).all()
    assert joint["own_balance_fen"].mean() == pytest.approx(0.3 * joint["balance_fen"].mean(), rel=1e-6)


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_the_result_is_what_equity_grew_by(kind: str) -> None:
    """The measure is made of the days' columns, equity of the accounts: they differ by parts of a fen still owed."""
    run = run_of(kind)
    assert run.daily["written_off_fen"].sum() > 0
    grown = int(run.daily["equity_fen"].iloc[-1]) - 15_000_000
    assert abs(round(100 * run.summary["profit"]) - grown) <= 3


def test_the_fee_is_its_rate_on_what_the_partner_holds() -> None:
    days = run_of("by share").daily
    held = days["partner_balance_fen"].shift(fill_value=0)  # this morning's is last evening's
    assert days["servicing_fee_fen"].sum() == pytest.approx(0.02 * held.sum() / 365, abs=1)
    assert run_of("by share").summary["servicing_fees"] == days["servicing_fee_fen"].sum() / 100


def test_interest_and_losses_fall_by_share() -> None:
    days = run_of("by share").daily
    assert days["passed_on_fen"].sum() == pytest.approx(
        0.7 * (days["interest_fen"] - days["refunded_fen"]).sum(), abs=3
    )
    lost = (days["written_off_fen"] - days["recovered_fen"]).sum()
    assert days["passed_loss_fen"].sum() == pytest.approx(0.7 * lost, abs=3)
    assert days["guarantee_fen"].sum() == 0
    # the lender sets aside for its own part
    assert days["allowance_fen"].to_numpy() == pytest.approx(0.3 * days["expected_loss_fen"].to_numpy(), abs=20)


def test_a_first_loss_guarantee_moves_losses_to_the_lender_up_to_its_limit() -> None:
    shared, bears = run_of("by share").daily, run_of("first loss").daily
    assert bears["guarantee_fen"].sum() > 0
    paid = bears["guarantee_fen"].cumsum()
    out = (bears["disbursed_fen"].cumsum() * 0.7) * 0.002
    assert (paid <= out + 1).all()
    assert (paid > 0.99 * out).any()  # the limit is reached in this bad time
    assert (bears["allowance_fen"] >= 0.3 * bears["expected_loss_fen"] - 20).all()
    assert bears["allowance_fen"].sum() > 1.2 * 0.3 * bears["expected_loss_fen"].sum()
    assert run_of("first loss").summary["roe"] < run_of("by share").summary["roe"]
    assert (shared["bank_debt_fen"] <= shared["equity_fen"] * 0.5).all()


@pytest.mark.parametrize("order", ["hashed", "score", "profit", "pro_rata"])
def test_whoever_is_served_first_own_money_is_never_overdrawn(order: str) -> None:
    joint = {JOINT: KINDS["odd share, one product"], "lenders.ali.funding.order": order}
    days = sim.simulate(scenario(FUNDED | joint | {"calendar.days": 60}), seed=4, threads=1).daily
    assert days["rejected_funds"].sum() > 50
    assert days["cash_fen"].min() >= 0
    assert (days["bank_debt_fen"] <= days["equity_fen"] * 0.5).all()
    used = days["own_balance_fen"] / (days["funds_fen"] - days["partner_balance_fen"])
    assert used.max() > 0.9  # and little of it lies idle


def test_a_lender_that_keeps_all_but_a_fen_is_nearly_alone() -> None:
    """Proof that a share of one would be no joint lending: the partner's part goes to nothing."""
    near = sim.simulate(scenario(FUNDED | {JOINT: {"share": 0.99}, "calendar.days": 60}), seed=3, threads=1).daily
    assert (near["partner_balance_fen"] <= 0.0100001 * near["balance_fen"] + 2).all()


def test_a_killed_run_goes_on_to_the_bit(tmp_path: Any) -> None:
    changes = {"fee": {"date": "2012-03-20", "set": {"joint_lending.servicing_fee": "5 %/year"}}}
    plan = scenario(FUNDED | {JOINT: KINDS["first loss"], "calendar.days": 60, "lenders.ali.changes": changes})
    whole = sim.simulate(plan, seed=3, threads=1)

    def kill(done: int, days: int, merchants: int) -> None:
        if done == 45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sim.simulate(plan, seed=3, out=tmp_path / "run", threads=1, checkpoint_every=20, progress=kill)
    done = sim.simulate(plan, seed=3, out=tmp_path / "run", threads=1)
    assert done.manifest["time_used"]["resumed_from_day"] == 40
    assert_equal_frames(whole, done)


def test_a_fee_changes_on_its_date() -> None:
    changes = {"fee": {"date": "2012-03-20", "set": {"joint_lending.servicing_fee": "0 %/year"}}}
    plan = scenario(FUNDED | {JOINT: {}, "calendar.days": 60, "lenders.ali.changes": changes})
    days = sim.simulate(plan, seed=3, threads=1).daily
    is_before = pd.to_datetime(days["date"]) < pd.Timestamp("2012-03-20")
    assert days["servicing_fee_fen"][is_before].sum() > 0
    assert days["servicing_fee_fen"][~is_before].sum() == 0


BEGIN = "joint lending cannot begin or end on a date; write it outside changes, from the start"
FIXED = "the share of joint lending cannot change on a date; allowed: servicing_fee, fee_of_interest"
REFUSED = {
    "no part": ({JOINT: {"share": 0}}, "share: 0 is out of bounds; allowed: 0.01 to 0.99"),
    "twice": ({JOINT: {"products": ["annuity", "annuity"]}}, "annuity, annuity names one twice; name each once"),
    "begins": ({"lenders.ali.changes": {"a": {"date": "2012-03-01", "set": {"joint_lending.share": 0.5}}}}, BEGIN),
    "changes": (
        {JOINT: {}, "lenders.ali.changes": {"a": {"date": "2012-03-01", "set": {"joint_lending.share": 0.5}}}}, FIXED
    ),
    "ends": ({JOINT: {}, "lenders.ali.changes": {"a": {"date": "2012-03-01", "set": {"joint_lending": None}}}}, BEGIN),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_agreed_is_refused(what: str) -> None:
    changes, said = REFUSED[what]
    with pytest.raises(ScenarioError) as caught:
        scenario(changes)
    assert said in str(caught.value)


def test_the_report_says_whose_money_it_was() -> None:
    from sim.results.report import say_lender

    told = " ".join(say_lender(run_of("first loss"), "ali"))
    assert "A partner bank held" in told
    assert "Under its guarantee it paid the partner" in told
    assert "partner" not in " ".join(say_lender(run_of(""), "ali"))
