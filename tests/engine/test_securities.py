"""Securities in a market: the books of pools close, money is freed, losses hit the junior piece first."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest
from small import ROUGH, assert_equal_frames, lived, scenario

import sim
from sim.core.loanbook import PRODUCTS
from sim.engine.books import GRAINS_PER_FEN
from sim.engine.market import Market
from sim.errors import ScenarioError
from sim.institutions.vehicle import INVESTORS, Vehicle
from sim.results.run import Run

ABS = "lenders.ali.securitisation"
TERMS: dict[str, Any] = {"issues": 3, "size": "90000 yuan", "every": "20 days", "revolving": "60 days"}
TIMES = ROUGH | {"calendar": {"start": "2012-02-15", "days": 180}}
KINDS: dict[str, dict[str, Any]] = {
    "three issues": {ABS: TERMS},
    "lines only": {ABS: TERMS | {"products": ["revolving_line"], "size": "60000 yuan"}},
    "for ever": {ABS: TERMS | {"revolving": "3000 days", "stop": 1.0}},
    "with a partner": {ABS: TERMS, "lenders.ali.joint_lending": {"share": 0.45}},
    "and insured": {ABS: TERMS, "lenders.ali.insurance": {"revolving_line": {}}},
}


@cache
def run_of(kind: str) -> Run:
    return sim.simulate(scenario(TIMES | KINDS.get(kind, {})), seed=3, threads=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_books_of_all_holders_close_every_day(kind: str) -> None:
    market = lived(scenario(TIMES | KINDS[kind]), 0)
    vehicle = market.sharing["ali"].vehicle
    assert vehicle is not None
    most = 0
    while market.running:
        market.step()
        market.count_books()
        accounts, fen = market.books.balances, market.books.fen
        most = max(most, len(vehicle.open_pools))
        own = {"ali", "partner of ali", *(pool.holder for pool in vehicle.pools)}
        whole = int(market.book["balance"].sum())
        assert sum(accounts[holder, "loans"] for holder in own) == whole * GRAINS_PER_FEN
        for pool in vehicle.pools:
            assert pool.principal == fen(pool.holder, "loans") >= 0
            assert fen(pool.holder, "money") >= 0
            assert pool.senior == market.books.owed_fen(pool.holder, "senior_notes")
            assert pool.principal <= pool.nominal
            assert sum(grains for (holder, _), grains in accounts.items() if holder == pool.holder) == 0
        assert fen(INVESTORS, "senior_notes") == vehicle.senior
        assert fen("ali", "junior_notes") == sum(pool.book for pool in vehicle.open_pools)
        assert fen("ali", "cash") >= 0
        for product in PRODUCTS:
            assert market.sharing["ali"].own_balance(product) >= 0
        by_product = {name: int(market.book["balance"][market.book["product"] == code].sum())
                      for code, name in enumerate(PRODUCTS)}  # fmt: skip
        assert market.sharing["ali"].whole == by_product
    assert most >= (1 if kind == "lines only" else 2)
    if kind != "for ever":
        assert any(pool.is_closed for pool in vehicle.pools)


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_the_result_is_what_equity_grew_by(kind: str) -> None:
    run = run_of(kind)
    grown = int(run.daily["equity_fen"].iloc[-1]) - 15_000_000
    assert abs(round(100 * run.summary["profit"]) - grown) <= 8  # parts of a fen, of each pool as well


def test_money_is_freed_for_more_loans_at_the_same_bank_debt_cap() -> None:
    without, sold = run_of("").daily, run_of("for ever").daily
    assert without["rejected_funds"].sum() > 500  # money is short
    assert sold["disbursed_fen"].sum() > 1.5 * without["disbursed_fen"].sum()
    assert sold["balance_fen"].max() > 2 * without["balance_fen"].max()
    assert (sold["bank_debt_fen"] <= sold["equity_fen"] * 0.5).all()
    assert (sold["own_balance_fen"] + sold["pool_balance_fen"] == sold["balance_fen"]).all()
    assert (sold["balance_fen"] <= sold["funds_fen"]).all()


def test_the_senior_piece_is_ninety_per_cent_and_bears_its_rate() -> None:
    days = run_of("for ever").daily
    assert days["senior_notes_fen"].max() == 3 * 8_100_000
    nights = days["senior_notes_fen"].shift(fill_value=0)
    assert days["senior_interest_fen"].sum() == pytest.approx(0.06 * nights.sum() / 365, abs=3)


def test_an_issue_waits_for_its_day_and_for_loans_enough() -> None:
    days = run_of("three issues").daily
    issued = days["senior_notes_fen"].diff().fillna(days["senior_notes_fen"])
    days_of_issue = issued[issued > 8_000_000].index.tolist()
    assert len(days_of_issue) == 3
    assert all(day >= 20 * n for n, day in enumerate(days_of_issue))
    own = days["balance_fen"] - days["pool_balance_fen"].shift(fill_value=0)
    assert (own[days_of_issue] >= 9_000_000).all()
    # and a lender that never has so much sells nothing
    large = sim.simulate(scenario(TIMES | {ABS: TERMS | {"size": "1 m yuan"}, "calendar.days": 60}), seed=3, threads=1)
    assert large.daily["senior_notes_fen"].max() == 0


def test_losses_hit_the_junior_piece_and_then_the_investors() -> None:
    """A pool whose loans are written off: first the junior piece is written down, then senior principal is lost."""
    market = lived(scenario(TIMES | KINDS["for ever"]), 100)
    books, sharing = market.books, market.sharing["ali"]
    assert sharing.vehicle is not None
    pool = sharing.vehicle.open_pools[0]
    senior, junior = pool.senior, pool.book
    assert junior == pool.junior == 900_000
    for lost, book in ((500_000, 400_000), (500_000, 0)):
        spare = books.fen(pool.holder, "interest_receivable") + books.fen(pool.holder, "money")
        _lose(market, lost + (spare if book else 0))
        sharing.close(books, market.lenders[0], 0)
        assert abs(pool.book - book) < 20_000
        assert pool.senior == senior
    assert books.equity_fen("ali") < 15_000_000
    pool.is_revolving = False
    _lose(market, pool.principal)
    sharing.close(books, market.lenders[0], 0)
    assert pool.is_closed
    assert books.fen(INVESTORS, "losses") > 7_000_000
    books.check("today", {})


def _lose(market: Market, fen: int) -> None:
    """Write off loans of the first pool, in its books and in its list."""
    sharing = market.sharing["ali"]
    assert sharing.vehicle is not None
    pool = sharing.vehicle.open_pools[0]
    market.books.entry(pool.holder, "losses", "loans", fen * GRAINS_PER_FEN)
    for product in pool.loans:
        part = min(fen, pool.loans[product])
        pool.loans[product] -= part
        fen -= part
    assert fen == 0


def test_the_lender_sets_aside_for_its_junior_pieces() -> None:
    days = run_of("for ever").daily
    own = days["expected_loss_fen"] * days["own_balance_fen"] / days["balance_fen"].clip(lower=1)
    assert (days["allowance_fen"] >= own - 5).all()
    assert (days["allowance_fen"] <= days["expected_loss_fen"] + 5).all()
    assert days["allowance_fen"].iloc[-60:].sum() > 1.2 * own.iloc[-60:].sum()


def test_terms_of_later_issues_may_change_and_earlier_ones_stay() -> None:
    changes = {
        "dearer": {"date": "2012-03-10", "set": {"securitisation.rate": "9 %/year"}},
        "no_more": {"date": "2012-04-20", "set": {"securitisation": None}},
    }
    terms = TERMS | {"issues": 9, "every": "15 days"}
    market = lived(scenario(TIMES | {ABS: terms, "lenders.ali.changes": changes}), 120)
    vehicle = market.sharing["ali"].vehicle
    assert vehicle is not None
    rates = [pool.ppm_year for pool in vehicle.pools]
    assert sorted(rates) == rates
    assert set(rates) == {60_000, 90_000}
    assert max(pool.ends for pool in vehicle.pools) < market.calendar[66].number + 60


def test_securities_may_begin_on_a_date() -> None:
    changes = {"abs": {"date": "2012-05-01", "set": {"securitisation": TERMS}}}
    days = sim.simulate(scenario(TIMES | {"lenders.ali.changes": changes}), seed=3, threads=1).daily
    is_before = pd.to_datetime(days["date"]) < pd.Timestamp("2012-05-01")
    assert days.loc[is_before, "senior_notes_fen"].sum() == 0
    assert days.loc[~is_before, "senior_notes_fen"].max() >= 8_100_000


def test_the_cap_of_2020_on_securities_holds_issues_back() -> None:
    changes = {"cap": {"date": "2012-01-01", "securities": "0.7 of net capital"}}
    plan = scenario(TIMES | KINDS["for ever"] | {"institutions.regulator.changes": changes})
    run = sim.simulate(plan, seed=3, threads=1)
    assert run.daily["senior_notes_fen"].max() == 8_100_000  # one of 81,000 yuan; two would be more than 105,000
    assert any("an issue of securities was held back" in note for note in run.manifest["notes"])


def test_a_killed_run_goes_on_to_the_bit(tmp_path: Any) -> None:
    plan = scenario(TIMES | KINDS["with a partner"] | KINDS["and insured"])
    whole = sim.simulate(plan, seed=3, threads=1)

    def kill(done: int, days: int, merchants: int) -> None:
        if done == 75:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sim.simulate(plan, seed=3, out=tmp_path / "run", threads=1, checkpoint_every=30, progress=kill)
    done = sim.simulate(plan, seed=3, out=tmp_path / "run", threads=1)
    assert done.manifest["time_used"]["resumed_from_day"] == 60
    assert_equal_frames(whole, done)


def test_size_is_a_money_stock_and_scales() -> None:
    plan = scenario({ABS: {"size": "1 m yuan"}, "scale": 0.25})
    terms = plan.scaled_lenders["ali"].securitisation
    assert terms is not None
    assert terms.size == 25_000_000


def test_the_vehicle_is_an_agent_only_where_loans_are_sold() -> None:
    for changes, n in (({}, 0), ({ABS: {}}, 1)):
        market = Market(scenario(changes), rng=1)
        assert [type(agent) for agent in market.agents].count(Vehicle) == n


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"junior": 0.9}, "lenders.ali.securitisation.junior: 0.9 is out of bounds"),
        ({"products": ["anuity"]}, "did you mean annuity?"),
        ({"tranches": 3}, 'lenders.ali.securitisation.tranches: unknown key "tranches"'),
    ],
)
def test_what_cannot_be_issued_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario({ABS: given})
    assert said in str(caught.value)


def test_the_report_says_who_held_the_securities() -> None:
    from sim.results.report import say_lender

    assert "Investors in its securities held" in " ".join(say_lender(run_of("three issues"), "ali"))
