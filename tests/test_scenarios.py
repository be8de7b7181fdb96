"""Every shipped scenario loads, says what it is for, and runs with its books checked every day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numba
import pytest

import sim
from sim.core.loanbook import PRODUCTS
from sim.engine.market import Market
from sim.engine.run import final_tables
from sim.engine.scenario import Scenario

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted((ROOT / "scenarios").rglob("*.yaml"))
ALWAYS_THERE = {"tiny", "base", "no_credit", "ali_finance_2012h1", "double_eleven", "recession", "replay"}
N = 300

# A replay brings its own orders: some shops with some orders on every day.
ORDERS = "shop_id,date,n\n" + "".join(
    f"{shop},2015-{month:02d}-{day:02d},{(shop * day) % 23}\n"
    for shop in range(1, 201) for month in (7, 8, 9, 10) for day in range(1, 31)
)  # fmt: skip
SHOPS = "shop_id,per_pay\n" + "".join(f"{shop},{20 + shop}\n" for shop in range(1, 201))


def own_orders(folder: Path) -> dict[str, Any]:
    """Write a small file of orders; give the settings that name it."""
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "shops.csv").write_text(SHOPS)
    return {
        "merchants.orders.file": str(folder / "orders.csv"),
        "merchants.orders.value.file": str(folder / "shops.csv"),
    }


def loaded(path: Path, folder: Path, changes: dict[str, Any] | None = None, scale: float | None = None) -> Scenario:
    files = own_orders(folder) if path.stem == "replay" else {}
    return sim.load(path, files | (changes or {}), scale)


def small(path: Path, folder: Path, n: int = N) -> Scenario:
    """A scenario for some hundred merchants, lenders' money scaled with them, over its calendar and at least a year."""
    whole = loaded(path, folder)
    year = {} if whole.calendar.n_days >= 365 else {"calendar.days": 365}
    return loaded(path, folder, year, min(1.0, n / whole.merchants.number))


def lived(plan: Scenario) -> Market:
    """Live every day; the books are checked at the end of each, and raise."""
    numba.set_num_threads(1)
    market = Market(plan, rng=11)
    market.run_days(10_000)
    return market


def test_the_scenarios_that_are_always_there() -> None:
    assert {path.stem for path in SCENARIOS} >= ALWAYS_THERE


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_loads_and_says_what_it_is_for(path: Path, tmp_path: Path) -> None:
    plan = loaded(path, tmp_path)
    about = plan.about
    assert all((about.title, about.question, about.lesson, about.source))
    assert plan.notes == ()  # no event outside its calendar, nothing odd
    assert set(plan.lenders) <= ({"ali", "challenger"} if path.parent.name == "teams" else {"ali"})
    assert sim.load(_written(plan, tmp_path)).hash == plan.hash


def _written(plan: Scenario, folder: Path) -> Path:
    path = folder / "resolved.yaml"
    path.write_text(plan.dump())
    return path


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_it_runs_for_a_year_and_its_books_close_on_every_day(path: Path, tmp_path: Path) -> None:
    plan = small(path, tmp_path)
    market = lived(plan)
    assert market.day_index == plan.calendar.n_days
    tables = {name: table.to_pandas() for name, table in final_tables(market).items()}
    days, loans = tables["daily"], tables["loans"]
    assert len(days) == plan.calendar.n_days * max(len(plan.lenders), 1)
    assert int(days["merchant_sales_fen"].min()) >= 0
    assert int(days["merchant_sales_fen"].sum()) > 0
    assert days["date"].max() == plan.calendar.start + timedelta(days=plan.calendar.n_days - 1)
    if not plan.lenders:
        assert set(days["lender"]) == {""}
        assert len(loans) == len(tables["applications"]) == 0
        return
    assert int(days["disbursed_fen"].sum()) == int(loans["principal_fen"].sum()) > 0
    assert int(days["principal_repaid_fen"].sum()) == int(loans["principal_paid_fen"].sum())
    assert int(days["written_off_fen"].sum()) == int(loans["written_off_fen"].sum())
    last = days["date"] == days["date"].max()  # a row for each lender
    assert int(days["balance_fen"][last].sum()) == int(loans["balance_fen"].sum())
    assert int(days["cash_fen"].min()) >= 0
    assert (days["balance_fen"] <= days["funds_fen"]).all()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_under_the_rules_of_its_time_nothing_is_above_them(path: Path, tmp_path: Path) -> None:
    """No loan above the ceiling of its day, no borrower above the cap, no day of debt above the leverage allowed."""
    rules = {"institutions.regulator": {"rules": "micro_loan_company", "breach": "refuse"}}
    whole = loaded(path, tmp_path)
    plan = loaded(path, tmp_path, rules, min(1.0, N / whole.merchants.number))
    market = Market(plan, rng=11)
    while market.running:
        market.step()
        day = market.calendar[market.day_index - 1]
        allowed = market.regulator.rules(day.date)
        new = market.book["opened"] == day.number
        for lender in market.lenders:
            mine = new & (market.book["lender"] == lender.index)
            for name, terms in lender.terms.items():
                rates = market.book["rate"][mine & (market.book["product"] == PRODUCTS.index(name))]
                assert (rates <= allowed.ceiling_of(terms.term.count, terms.term.unit)).all(), (day.date, name)
            if allowed.single_borrower is not None and mine.any():
                owed = market.merchants.lender["exposure_fen"][lender.index, market.book["row"][mine]]
                assert owed.max() <= max(lender.equity_fen, 0) * allowed.single_borrower * 1.02, day.date
    assert not {key: n for key, n in market.regulator.answers.items() if key.endswith("over_leverage") and n}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_contract_of_the_shipped_scenarios(path: Path, tmp_path: Path) -> None:
    plan = loaded(path, tmp_path)
    first, last = str(plan.calendar.start), str(plan.calendar.last)
    expected: dict[str, tuple[Any, ...]] = {
        "tiny": (1_000, 120),
        "base": (20_000, 365, "2011-07-01"),
        "no_credit": (20_000, 365, "2011-07-01"),
        "ali_finance_2012h1": (1_000_000, 823, "2010-06-01", "2012-08-31"),
    }
    found = (plan.merchants.number, plan.calendar.n_days, first, last)
    wanted = expected.get(path.stem, ())
    assert found[: len(wanted)] == wanted
    if path.stem == "ali_finance_2012h1":
        reported = (str(plan.calendar.reported_from), str(plan.calendar.reported_to))
        assert (reported, plan.scale) == (("2012-01-01", "2012-06-30"), 0.05)
    if path.stem == "no_credit":
        assert plan.lenders == {}
        assert plan.world_hash == sim.load(ROOT / "scenarios" / "base.yaml").world_hash


@pytest.mark.slow
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_its_books_close_in_a_larger_market_too(path: Path, tmp_path: Path) -> None:
    market = lived(small(path, tmp_path, 20_000))
    assert market.day_index >= 365
