"""What a Mesa user tries first works: step, running, agents, data collector, batch_run; and the one-merchant view."""

from __future__ import annotations

from typing import Any

import mesa
import numba
import numpy as np
import pytest
from small import SCENARIOS, scenario

from sim.core.merchants import LENDER_BLOCK, STATE, TRAITS
from sim.engine.market import Market
from sim.errors import ScenarioError
from sim.institutions.funder import Funder
from sim.institutions.platform import Platform
from sim.institutions.regulator import Regulator
from sim.lenders.lender import Lender
from sim.results.rows import plain

TINY = str(SCENARIOS / "tiny.yaml")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    numba.set_num_threads(1)


def test_the_lines_of_the_readme() -> None:
    model = Market(TINY, rng=7)
    assert isinstance(model, mesa.Model)
    assert model.running
    model.step()
    frame = model.datacollector.get_model_vars_dataframe()
    assert len(frame) == 1
    assert model.steps == 1
    assert {Lender, Platform, Funder, Regulator} == {type(agent) for agent in model.agents}
    assert [agent.lender_id for agent in model.agents if isinstance(agent, Lender)] == ["ali"]
    assert len({agent.unique_id for agent in model.agents}) == len(model.agents) == 4
    assert all(agent.model is model for agent in model.agents)


def test_it_stops_at_the_end_of_the_calendar_and_stays_there() -> None:
    model = Market(scenario({"calendar.days": 20, "merchants.number": 100}), rng=7)
    days = 0
    while model.running:
        model.step()
        days += 1
    assert days == 20
    wallets = model.merchants.wallet.copy()
    model.step()
    assert np.array_equal(wallets, model.merchants.wallet)
    assert len(model.datacollector.get_model_vars_dataframe()) == 20


def test_run_model_of_mesa_lives_the_whole_calendar() -> None:
    model = Market(scenario({"calendar.days": 20, "merchants.number": 100}), rng=7)
    model.run_model()
    assert (model.day_index, model.running) == (20, False)


def test_run_days_lives_so_many_days_and_no_more_than_there_are() -> None:
    model = Market(scenario({"calendar.days": 20, "merchants.number": 100}), rng=7)
    seen: list[int] = []
    model.run_days(5)
    model.run_days(50, seen.append)
    assert seen == list(range(6, 21))


def test_the_frame_is_the_days_of_the_run() -> None:
    model = Market(scenario({"merchants.number": 300, "calendar.days": 40}), rng=7)
    model.run_days(40)
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame.columns) == [
        "merchant_sales", "merchants_active", "ali.balance", "ali.cash", "ali.bank_debt", "ali.equity",
    ]  # fmt: skip
    days = plain(model.recorder.take()["daily"]).to_pandas()
    for column in ("merchant_sales", "ali.balance", "ali.cash", "ali.bank_debt", "ali.equity"):
        recorded = days[f"{column.removeprefix('ali.')}_fen"].to_numpy() / 100
        assert (frame[column].to_numpy() == recorded).all(), column
    assert (frame["merchants_active"].to_numpy() == days["merchants_active"].to_numpy()).all()
    assert frame["ali.balance"].iloc[-1] > 0


def test_a_world_without_lenders_has_a_frame_as_well() -> None:
    model = Market(scenario({"merchants.number": 100, "lenders": {}}), rng=7)
    model.run_days(3)
    assert list(model.datacollector.get_model_vars_dataframe().columns) == ["merchant_sales", "merchants_active"]
    assert {Platform, Funder, Regulator} == {type(agent) for agent in model.agents}


def test_seed_and_rng_are_two_names_of_one_thing() -> None:
    plan = scenario({"merchants.number": 200})
    by_rng, by_seed, positional, default = Market(plan, rng=9), Market(plan, seed=9), Market(plan, 9), Market(plan)
    for model in (by_rng, by_seed, positional):
        model.run_days(10)
        assert model.seed_number == 9
        assert np.array_equal(model.merchants.luck, by_rng.merchants.luck)
    assert default.seed_number == 1
    assert not np.array_equal(default.merchants.base_orders, by_rng.merchants.base_orders)


def test_a_path_a_text_and_a_loaded_scenario() -> None:
    markets = [Market(source, rng=7) for source in (TINY, SCENARIOS / "tiny.yaml", scenario())]
    assert {market.merchants.n for market in markets} == {1000}
    with pytest.raises(ScenarioError, match="nowhere"):
        Market("nowhere.yaml", rng=7)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small scenario on disk, as batch_run hands on what it is given."""
    path = tmp_path_factory.mktemp("scenarios") / "small.yaml"
    text = (SCENARIOS / "base.yaml").read_text()
    path.write_text(text.replace("number: 20000", "number: 200").replace("days: 365", "days: 25"))
    return str(path)


def test_batch_run(small_file: str) -> None:
    parameters: dict[str, Any] = {"scenario": small_file, "rng": [1, 2]}
    rows = mesa.batch_run(Market, parameters, iterations=2, number_processes=1, display_progress=False)
    assert len(rows) == 4
    assert {(row["rng"], row["iteration"]) for row in rows} == {(1, 0), (2, 0), (1, 1), (2, 1)}
    ends = {row["rng"]: (row["merchant_sales"], row["ali.balance"]) for row in rows}
    assert ends[1] != ends[2]
    # A repetition of one seed is the same run.
    assert all((row["merchant_sales"], row["ali.balance"]) == ends[row["rng"]] for row in rows)
    # the last of 25 days: Mesa 3.3 counts steps from 0 here, Mesa 3.5 from 1
    assert {int(row["Step"]) for row in rows} in ({24}, {25})


def test_batch_run_day_by_day(small_file: str) -> None:
    parameters = {"scenario": small_file, "seed": 1}
    rows = mesa.batch_run(Market, parameters, data_collection_period=1, display_progress=False)
    model = Market(small_file, seed=1)
    model.run_days(25)
    frame = model.datacollector.get_model_vars_dataframe()
    assert [row["merchant_sales"] for row in rows] == frame["merchant_sales"].tolist()


def test_one_merchant_by_its_id() -> None:
    model = Market(scenario({"merchants.number": 300}), rng=7)
    model.run_days(30)
    m, shop = model.merchants, model.merchant(17)
    assert set(shop) == {*TRAITS, *STATE, *(f"lender.{name}" for name in LENDER_BLOCK)}
    assert shop["merchant_id"] == 17
    row = int(np.flatnonzero(m.merchant_id == 17)[0])
    assert shop["wallet"] == m.wallet[row]
    assert shop["shipped"] == m.shipped[:, row].tolist()
    assert shop["lender.limit_fen"] == [int(m.lender["limit_fen"][0, row])]
    for nobody in (0, 301, -1):
        with pytest.raises(KeyError, match=str(nobody)):
            model.merchant(nobody)


def test_the_view_of_one_merchant_is_a_copy() -> None:
    model = Market(scenario({"merchants.number": 50}), rng=7)
    shop = model.merchant(3)
    shop["shipped"][0] += 100.0
    assert model.merchant(3)["shipped"] != shop["shipped"]


def test_no_name_of_mesa_is_taken() -> None:
    """Names that later versions of Mesa use for themselves."""
    model = Market(scenario({"merchants.number": 50}), rng=7)
    for name in ("time", "scenario", "observe", "batch"):
        assert name not in vars(model)
        assert getattr(type(model), name, None) is getattr(mesa.Model, name, None)
