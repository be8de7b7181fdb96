"""Replay: the real orders of real shops are demand; what is dropped of the file is counted by reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest
from small import SCENARIOS, assert_equal_frames, differing

import sim
from sim.core.clock import day_number
from sim.core.merchants import OPEN, TRAITS
from sim.engine.market import Market
from sim.engine.scenario import Scenario
from sim.errors import ScenarioError

DATA = Path(__file__).parents[3] / "shared" / "data"

# Five days from 1 March 2012. Shops 11 and 7 trade; 99 has no value, 5 only orders nothing, the rest is unusable.
ROWS = """\
shop,when,count,note
11,2012-03-01,3,a
11,2012-03-01,8,second row of a shop and day
11,2012-03-02,0,a day without orders
7,2012-03-02,4,b
7,2012-03-04,6.4,rounds to 6
11,2012-03-03,2,a
11,2012-03-05,5,a
7,2012-03-03,-1,negative
7,yesterday,2,no date
7,2012-03-05,many,no number
7,2012-03-01,,no number
,2012-03-01,5,no shop
11,2012-02-29,9,before the first day
11,2012-03-06,9,after the last day
99,2012-03-02,4,no value
5,2012-03-02,0,never any order
5,2012-03-03,0,never any order
"""
DROPPED = {
    "no shop": 1,
    "no readable date": 1,
    "no readable number of orders": 2,
    "negative number of orders": 1,
    "second row of a shop and day": 1,
    "outside the calendar": 2,
    "shop without a value of an order": 1,
    "shop without any order": 2,
}
VALUES = "id,yuan\n7,20.5\n11,12\n5,9\n4,1\n99,-3\n"


def plan(folder: Path, rows: str = ROWS, days: int = 5, **more: Any) -> Scenario:
    (folder / "orders.csv").write_text(rows)
    (folder / "values.csv").write_text(VALUES)
    orders = {
        "file": str(folder / "orders.csv"), "merchant": "shop", "date": "when", "orders": "count",
        "value": {"file": str(folder / "values.csv"), "merchant": "id", "value": "yuan"},
    }  # fmt: skip
    changes = {"merchants.orders": orders, "calendar": {"start": "2012-03-01", "days": days}} | more
    return sim.load(SCENARIOS / "tiny.yaml", changes)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    numba.set_num_threads(1)


def test_rows_are_dropped_for_a_reason_and_counted(tmp_path: Path) -> None:
    replay = Market(plan(tmp_path), rng=1).replay
    assert dict(replay.dropped) == DROPPED
    assert replay.rows_read == len(ROWS.splitlines()) - 1
    assert replay.rows_read - sum(DROPPED.values()) == 6
    assert replay.names.tolist() == [7, 11]


def test_a_reader_is_told(tmp_path: Path) -> None:
    run = sim.simulate(plan(tmp_path), threads=1)
    notes = "\n".join(run.manifest["notes"])
    assert "17 rows read of 2 shops, 6 used" in notes
    for reason, count in DROPPED.items():
        assert f"{count:,} rows dropped: {reason}" in notes
    assert run.merchants["shop"].tolist() == [7, 11]
    assert run.merchants["merchant_id"].tolist() == [1, 2]


def test_demand_is_what_the_file_says(tmp_path: Path) -> None:
    market = Market(plan(tmp_path), rng=1)
    first = day_number(pd.Timestamp("2012-03-01").date())
    wanted = np.stack([market.replay.orders_of(first + day) for day in range(5)], axis=1)
    assert wanted.tolist() == [[0, 4, 0, 6, 0], [3, 0, 2, 0, 5]]
    assert wanted.dtype == np.float32
    assert market.replay.value_fen.tolist() == [2050, 1200]


def test_every_row_whose_date_can_be_read_is_read(tmp_path: Path) -> None:
    """A day may be written in several ways in one file; the first row does not decide for the others."""
    rows = "shop,when,count,note\n7,2012-03-01,1,\n7,2012-03-02 13:45:00,2,\n7,2012/03/03,3,\n7,2012-03-04T09:00,4,\n"
    replay = Market(plan(tmp_path, rows), rng=1).replay
    assert dict(replay.dropped) == {}
    first = day_number(pd.Timestamp("2012-03-01").date())
    assert [float(replay.orders_of(first + day)[0]) for day in range(5)] == [1, 2, 3, 4, 0]


def test_shops_with_stock_sell_exactly_what_was_ordered(tmp_path: Path) -> None:
    market = Market(plan(tmp_path), rng=1)
    m = market.merchants
    assert m.order_value.tolist() == [2050.0, 1200.0]
    expected = np.array([[0, 4, 0, 6, 0], [3, 0, 2, 0, 5]])
    for day in range(5):
        is_open = m.status == OPEN  # a shop that enters today brings its own stock
        m.stock[:] = 1000.0
        before = m.sales_total.copy()
        market.step()
        assert np.array_equal((m.sales_total - before)[is_open], (expected[:, day] * [2050, 1200])[is_open])
    assert is_open.all()


def test_stock_still_cuts_what_can_be_sold(tmp_path: Path) -> None:
    market = Market(plan(tmp_path), rng=1)
    m = market.merchants
    market.step()  # day one: only shop 11 trades
    m.stock[:], m.on_order[:] = 0.0, 0.0
    sold, lost = m.sales_total.copy(), m.lost_total.copy()
    market.step()
    market.step()
    assert (m.sales_total - sold)[1] == 0.0
    assert (m.lost_total - lost)[1] == 2 * 1200.0


def test_a_shop_enters_on_its_first_order(tmp_path: Path) -> None:
    market = Market(plan(tmp_path), rng=1)
    m, first = market.merchants, market.calendar[0].number
    assert m.entry_day.tolist() == [first + 1, first]
    # Shop 11 sold before the first day already: it is older than the run.
    assert m.opened_day[1] <= first
    market.step()
    assert m.status.tolist() == [0, 1]
    market.step()
    assert m.status.tolist() == [1, 1]


def test_sizes_are_those_of_the_shops(tmp_path: Path) -> None:
    market = Market(plan(tmp_path, "shop,when,count,note\n" + "".join(
        f"{shop},2012-03-{day:02d},{count},\n" for day in range(1, 29) for shop, count in ((7, 2), (11, 40))
    ), days=28), rng=1)  # fmt: skip
    assert market.merchants.base_orders.tolist() == [2.0, 40.0]


def test_one_value_for_all_shops(tmp_path: Path) -> None:
    market = Market(plan(tmp_path, **{"merchants.orders.value": "25 yuan"}), rng=1)
    assert market.replay.names.tolist() == [7, 11, 99]
    assert market.merchants.order_value.tolist() == [2500.0] * 3
    assert "shop without a value of an order" not in market.replay.dropped


def test_text_ids_and_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "shop": ["b", "a", "b", None],
            "when": pd.to_datetime(["2012-03-01", "2012-03-01", "2012-03-02", "2012-03-02"]),
            "count": [1, 2, 3, 4],
        }
    )
    frame.to_parquet(tmp_path / "orders.parquet")
    changes = {"merchants.orders.file": str(tmp_path / "orders.parquet"), "merchants.orders.value": "25 yuan"}
    replay = Market(plan(tmp_path, **changes), rng=1).replay
    assert replay.names.tolist() == ["a", "b"]
    assert dict(replay.dropped) == {"no shop": 1}
    assert replay.orders_of(day_number(pd.Timestamp("2012-03-01").date())).tolist() == [2.0, 1.0]


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    lines = [line for line in ROWS.splitlines(keepends=True) if "second row" not in line]
    one = sim.simulate(plan(tmp_path, "".join(lines)), threads=1)
    two = sim.simulate(plan(tmp_path, "".join([lines[0], *reversed(lines[1:])])), threads=1)
    assert_equal_frames(one, two)


def test_lenders_do_not_change_the_demand_of_real_shops(tmp_path: Path) -> None:
    lent, alone = (Market(plan(tmp_path, **changes), rng=1) for changes in ({}, {"lenders": {}}))
    lent.run_days(5)
    alone.run_days(5)
    assert differing(lent, alone, (*TRAITS, "shock", "luck")) == {}
    wanted = lent.merchants.sales_total + lent.merchants.lost_total
    assert np.array_equal(wanted, alone.merchants.sales_total + alone.merchants.lost_total)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"merchants.orders.file": "nowhere.csv"}, "nowhere.csv"),
        ({"merchants.orders.orders": "n"}, "no column 'n'"),
        ({"merchants.orders.value.value": "price"}, "no column 'price'"),
        ({"calendar": {"start": "2020-01-01", "days": 5}}, "no usable rows of 17"),
    ],
    ids=["no file", "no column", "no value column", "no row in the calendar"],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        Market(plan(tmp_path, **changes), rng=1)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not a table")
    (tmp_path / "orders.txt").write_text("shop\n")
    for name in ("broken.parquet", "orders.txt"):
        with pytest.raises(ScenarioError, match=name):
            Market(plan(tmp_path, **{"merchants.orders.file": str(tmp_path / name)}), rng=1)


# ------------------------------------------------------------------------------------------------------- real shops


def koubei(**changes: Any) -> Scenario:
    files = {
        "merchants.orders.file": str(DATA / "koubei_shop_day.parquet"),
        "merchants.orders.value.file": str(DATA / "koubei_shop_info.csv"),
    }
    return sim.load(SCENARIOS / "replay.yaml", files | changes)


real = pytest.mark.skipif(
    not (DATA / "koubei_shop_day.parquet").exists(), reason="the Koubei order data is not on this machine"
)


@real
def test_966_real_shops_and_their_orders() -> None:
    market = Market(koubei(), rng=1)
    replay = market.replay
    assert replay.n == market.merchants.n == 966
    file = pd.read_parquet(DATA / "koubei_shop_day.parquet")
    assert replay.rows_read == len(file)
    used = file[file["shop_id"].isin(replay.names)].assign(when=pd.to_datetime(file["date"]))
    inside = used[used["when"].between("2015-07-01", "2016-09-05")].drop_duplicates(["shop_id", "when"])
    total = sum(float(replay.orders_of(day.number).astype(np.float64).sum()) for day in market.calendar)
    assert total == float(inside["n"].round().sum())


@real
def test_the_lender_lends_to_real_shops() -> None:
    plan_ = koubei(**{"calendar": {"start": "2015-07-01", "days": 150}})
    run = sim.simulate(plan_, threads=1)
    file = pd.read_parquet(DATA / "koubei_shop_day.parquet", columns=["shop_id", "date"])
    inside = pd.to_datetime(file["date"]).between("2015-07-01", "2015-11-27")
    assert 400 < len(run.merchants) <= file.loc[inside, "shop_id"].nunique()
    assert run.merchants["shop"].is_unique
    assert f"of {len(run.merchants)} shops" in "\n".join(run.manifest["notes"])
    assert int(run.daily["disbursed_fen"].sum()) > 0
    assert int(run.daily["interest_paid_fen"].sum()) > 0


@real
def test_fourteen_months_of_real_shops() -> None:
    run = sim.simulate(koubei(), threads=1)
    assert len(run.daily) == 433
    assert run.summary["disbursed"] > 0
    assert (run.daily["cash_fen"] >= 0).all()
