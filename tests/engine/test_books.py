"""The books: identities of every day, planted errors that stop the run, and days that add up to the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import ROUGH, lived, scenario

import sim
from sim.core.loanbook import ACTIVE, ORDER_LOAN
from sim.engine.books import EXPENSES, GRAINS_PER_FEN, INCOME
from sim.engine.checkpoint import save
from sim.engine.market import Market
from sim.engine.run import final_tables
from sim.errors import BooksError
from sim.results.run import Run

TWO_BASES: dict[str, Any] = {
    "merchants.number": 500,
    "calendar.days": 60,
    "lenders.ali.products.order_loan.rate": "0.05 %/day (360)",
    "lenders.rival": {
        "equity": "2 m yuan",
        "products": {"revolving_line": {"rate": "18 %/year"}, "order_loan": {"rate": "18 %/year (360)"}},
    },
}
WORLDS = {"tiny": {}, "rough": ROUGH, "two lenders, two bases": TWO_BASES}


def sheet(market: Market, lender: str) -> dict[str, int]:
    """One lender's accounts, grains, debit positive."""
    return {account: grains for (holder, account), grains in market.books.balances.items() if holder == lender}


def check_by_hand(market: Market) -> None:
    """Every identity, worked out here from the arrays and the accounts, not by the engine."""
    m, book, accounts = market.merchants, market.book, market.books.balances
    whole = [int(np.sum(np.asarray(column, dtype=object))) for column in (m.wallet, m.shipped, book["pledged"])]
    assert accounts["merchants", "wallets"] == whole[0] * GRAINS_PER_FEN
    assert accounts["platform", "escrow"] == (whole[1] + whole[2]) * GRAINS_PER_FEN
    for column in (m.wallet, m.shipped, m.outside_debt, m.arrears, book["pledged"]):
        assert np.all(column == np.floor(column))
        assert float(column.min(initial=0.0)) >= 0.0
    holders = {holder for holder, _ in accounts}
    for holder in holders:
        assert sum(grains for (owner, _), grains in accounts.items() if owner == holder) == 0
    for lender in market.lenders:
        own = sheet(market, lender.lender_id)
        is_own = book["lender"] == lender.index
        assert own.get("loans", 0) == int(book["balance"][is_own].sum()) * GRAINS_PER_FEN
        due = [
            int(units) * (GRAINS_PER_FEN // int(per_fen))
            for units, per_fen in zip(book["accrued"][is_own], book["units_per_fen"][is_own], strict=True)
        ]
        assert own.get("interest_receivable", 0) == sum(due)
        assert own.get("collections", 0) == 0
        assets = sum(own.get(name, 0) for name in ("cash", "loans", "interest_receivable", "allowance"))
        owed = sum(own.get(name, 0) for name in ("bank_debt", "interest_payable", "costs_payable"))
        result = sum(own.get(name, 0) for name in (*INCOME, *EXPENSES))
        assert assets + owed + own["paid_in"] + result == 0
        assert own["cash"] >= 0
        exposure = np.zeros(m.n, np.int64)
        np.add.at(exposure, book["row"][is_own], book["balance"][is_own])
        assert np.array_equal(exposure, m.lender["exposure_fen"][lender.index])
        is_open = is_own & (book["status"] == ACTIVE)
        n_open = np.bincount(book["row"][is_open], minlength=m.n)
        assert np.array_equal(n_open, m.lender["n_open"][lender.index])


@pytest.mark.parametrize("world", WORLDS)
def test_every_identity_holds_on_every_day(world: str) -> None:
    market = lived(scenario(WORLDS[world]), 0)
    while market.running:
        market.step()
        check_by_hand(market)
    assert market.book.n > 20


# --------------------------------------------------------------------------------------------------- planted errors


def _open_loan(market: Market, product: int | None = None) -> int:
    """Place of the youngest open loan."""
    book = market.book
    fits = (book["status"] == ACTIVE) & (book["balance"] > 0)
    if product is not None:
        fits &= (book["product"] == product) & (book["pledged"].sum(axis=1) > 0)
    return int(np.flatnonzero(fits)[-1])


def _balance(market: Market) -> None:
    market.book["balance"][_open_loan(market)] += 1


def _overstated_payment(market: Market) -> None:
    """A loan that forgets one fen of what is owed."""
    market.book["balance"][_open_loan(market)] -= 1


def _wallet(market: Market) -> None:
    market.merchants.wallet[5] += 1.0


def _escrow(stage: int) -> Callable[[Market], None]:
    def plant(market: Market) -> None:
        market.merchants.shipped[stage, 7] += 1.0

    return plant


def _pledge(market: Market) -> None:
    market.book["pledged"][_open_loan(market, ORDER_LOAN), 1] += 1.0


def _accrued(market: Market) -> None:
    place = _open_loan(market)
    market.book["accrued"][place] += market.book["units_per_fen"][place]


def _accrued_unit(market: Market) -> None:
    market.book["accrued"][_open_loan(market)] += 1


def _outside_debt(market: Market) -> None:
    market.merchants.outside_debt[np.flatnonzero(market.merchants.outside_debt > 0)[0]] += 1.0


def _one_sided(market: Market) -> None:
    market.books.balances["ali", "cash"] += GRAINS_PER_FEN


PLANTED: dict[str, tuple[Callable[[Market], None], str, str, str]] = {
    "a loan's balance": (_balance, "ali", "'loans'", "1 fen"),
    "a loan's balance, less": (_overstated_payment, "ali", "'loans'", "1 fen"),
    "a wallet": (_wallet, "merchants", "'wallets'", "1 fen"),
    **{f"escrow, stage {k + 1}": (_escrow(k), "platform", "'escrow'", "1 fen") for k in range(4)},
    "a pledge": (_pledge, "platform", "'escrow'", "1 fen"),
    "accrued interest": (_accrued, "ali", "'interest_receivable'", "1 fen"),
    "the smallest unit of interest": (_accrued_unit, "ali", "'interest_receivable'", "grains"),
    "outside debt": (_outside_debt, "merchants", "'outside_debt'", "1 fen"),
    "one side of an entry": (_one_sided, "ali", "debits and credits differ", "1 fen"),
}


@pytest.mark.parametrize("where", PLANTED)
def test_one_fen_too_many_stops_the_run_and_is_named(where: str) -> None:
    plant, holder, account, size = PLANTED[where]
    market = lived(scenario({"merchants.number": 400}), 30)
    plant(market)
    day = market.calendar[market.day_index - 1].date  # its books closed, and the next day finds them broken
    with pytest.raises(BooksError) as caught:
        market.step()
    said = str(caught.value)
    assert said.startswith(f"{day}: {holder}: ")
    assert account in said
    assert size in said.replace("-1 fen", "1 fen")


def test_the_difference_is_told_to_the_fen() -> None:
    market = lived(scenario({"merchants.number": 400}), 30)
    _wallet(market)
    with pytest.raises(BooksError, match=r"difference -1 fen \(-?0\.01 yuan\)$"):
        market.step()


def test_an_error_at_one_lender_names_that_lender() -> None:
    market = lived(scenario(TWO_BASES), 30)
    book = market.book
    rivals = np.flatnonzero((book["lender"] == 1) & (book["balance"] > 0) & (book["status"] == ACTIVE))
    book["balance"][rivals[-1]] += 1
    with pytest.raises(BooksError, match=r"^2012-03-15: rival: account 'loans'"):
        market.step()


def test_a_run_stops_and_leaves_no_finished_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Market._let_go

    def with_a_leak(market: Market, day: Any) -> int:
        if day.index == 25:
            market.merchants.wallet[3] += 1.0
        return right(market, day)

    monkeypatch.setattr(Market, "_let_go", with_a_leak)
    plan = scenario({"merchants.number": 300})
    with pytest.raises(BooksError, match=r"^2012-03-11: merchants: account 'wallets'"):
        sim.simulate(plan, out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_the_evening_of_the_last_day_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    market = lived(scenario({"merchants.number": 300, "calendar.days": 40}), 39)
    right = Market._settle

    def with_a_leak(market: Market, *given: Any) -> Any:
        market.merchants.wallet[3] += 1.0
        return right(market, *given)

    monkeypatch.setattr(Market, "_settle", with_a_leak)
    with pytest.raises(BooksError, match=rf"^{market.calendar[39].date}: merchants: account 'wallets'"):
        market.step()


def test_a_broken_state_is_not_saved() -> None:
    market = lived(scenario({"merchants.number": 300}), 20)
    save(market)
    _wallet(market)
    with pytest.raises(BooksError, match=r"account 'wallets'"):
        save(market)


def test_nothing_planted_nothing_found() -> None:
    market = lived(scenario({"merchants.number": 400}), 30)
    market.step()
    assert market.day_index == 31


# -------------------------------------------------------------------------------------------- days add up to the tape

# Column of the days, summed: column of the tape, summed.
SUMS = {
    "disbursed_fen": "principal_fen",
    "principal_repaid_fen": "principal_paid_fen",
    "written_off_fen": "written_off_fen",
    "interest_paid_fen": "interest_paid_fen",
    "penalty_paid_fen": "penalty_paid_fen",
    "refunded_fen": "refunded_fen",
    "recovered_fen": "recovered_fen",
}
BUCKETS = ["balance_current_fen", "balance_1_30_fen", "balance_31_60_fen", "balance_61_90_fen", "balance_90_plus_fen"]


@pytest.fixture(scope="module")
def rough() -> Run:
    plan = scenario(ROUGH | {"lenders.rival": TWO_BASES["lenders.rival"], "lenders.rival.scoring.cutoff": 0.0})
    return sim.simulate(plan, seed=3, threads=1)


@pytest.mark.parametrize("lender", ["ali", "rival"])
def test_the_days_add_up_to_the_tape(rough: Run, lender: str) -> None:
    days, loans = (table[table["lender"] == lender] for table in (rough.daily, rough.loans))
    for of_days, of_tape in SUMS.items():
        assert int(days[of_days].sum()) == int(loans[of_tape].sum()), of_days
        if lender == "ali":
            assert int(days[of_days].sum()) > 0, of_days
    assert int(days["n_loans"].sum()) == len(loans)
    assert int(days["balance_fen"].iloc[-1]) == int(loans["balance_fen"].sum())
    assert int(days["customers"].iloc[-1]) == loans["merchant_id"].nunique()
    owed = loans["principal_fen"] - loans["principal_paid_fen"] - loans["written_off_fen"]
    assert (loans["balance_fen"] == owed).all()
    assert (loans["recovered_fen"] <= loans["written_off_fen"]).all()


def test_nobody_owes_less_than_no_interest(rough: Run) -> None:
    """What rounding up has billed too early is a part of a fen: it is not a debt of the lender of one fen."""
    assert int(rough.loans["accrued_fen"].min()) == 0


@pytest.mark.parametrize("lender", ["ali", "rival"])
def test_balances_roll_forward_and_lie_in_one_bucket(rough: Run, lender: str) -> None:
    days = rough.daily[rough.daily["lender"] == lender].reset_index(drop=True)
    moved = days["disbursed_fen"] - days["principal_repaid_fen"] - days["written_off_fen"]
    assert (days["balance_fen"] == moved.cumsum()).all()
    assert (days[BUCKETS].sum(axis=1) == days["balance_fen"]).all()
    assert (days["balance_performing_fen"] == days["balance_current_fen"] + days["balance_1_30_fen"]).all()
    if lender == "ali":
        assert (days[BUCKETS[:4]].max() > 0).all()


def test_the_month_ends_agree_with_the_days(rough: Run) -> None:
    ends = rough.loan_months.groupby(["month_end", "lender"])["balance_fen"].sum()
    days = rough.daily.set_index(["date", "lender"])["balance_fen"]
    assert len(ends) >= 8
    assert {pd.Timestamp(day).day for day, _ in ends.index} <= {28, 29, 30, 31}
    for key, balance in ends.items():
        assert balance == days[key]


def test_accepted_applications_are_the_tape(rough: Run) -> None:
    taken = rough.applications[rough.applications["accepted"]]
    assert len(taken) == len(rough.loans)
    assert int(taken["granted_fen"].sum()) == int(rough.loans["principal_fen"].sum())
    by_day = rough.applications.groupby(["date", "lender"]).size()
    told = rough.daily.set_index(["date", "lender"])["applications"]
    assert (by_day == told[told > 0].reindex(by_day.index)).all()
    assert int(told.sum()) == len(rough.applications)


def test_interest_earned_is_paid_or_still_owed() -> None:
    """Income of all days = interest paid + interest receivable; what was reversed is in neither."""
    market = lived(scenario(ROUGH), 150)
    receivable = market.books.balances["ali", "interest_receivable"]
    income = -market.books.balances["ali", "interest_income"]
    assert int(market.book["suspended"].sum()) > 0
    tables = final_tables(market)
    paid = int(np.sum(tables["loans"]["interest_paid_fen"].to_numpy()))
    assert income == paid * GRAINS_PER_FEN + receivable
    assert int(np.sum(tables["daily"]["interest_fen"].to_numpy())) == income // GRAINS_PER_FEN
