"""A user's own orders: what is kept, dropped with its account, and refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_orders import MONDAY, rows_of, steady

from sim.core.clock import day_number
from sim.engine.replay import Replay
from sim.errors import ScenarioError
from sim.study.fit.dates import read_days
from sim.study.fit.read import Observed, read


def write(folder: Path, table: pd.DataFrame, name: str = "orders.csv") -> Path:
    table.to_csv(folder / name, index=False)
    return folder / name


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ScenarioError) as refused:
        read(path, **options)
    return str(refused.value)


def messy() -> pd.DataFrame:
    """Good rows, and one to three of each kind that cannot be used, at known places."""
    good = rows_of(steady())
    assert len(good) > 2_000
    bad = pd.DataFrame(
        [
            {"merchant": None, "date": "2012-01-05", "orders": "3"},
            {"merchant": 101, "date": "soon", "orders": "3"},
            {"merchant": 101, "date": "1912-01-05", "orders": "3"},
            {"merchant": 101, "date": "2021-01-05", "orders": "3"},
            {"merchant": 101, "date": "2012-03-30", "orders": "many"},
            {"merchant": 102, "date": "2012-03-30", "orders": "-2"},
            {"merchant": 103, "date": "2012-03-30", "orders": "-2"},
            {"merchant": 100, "date": "2012-01-02", "orders": "99"},
        ]
    )
    text = good.astype({"merchant": object, "orders": str})
    return pd.concat([text, bad], ignore_index=True)


def test_what_cannot_be_used_is_counted_and_said_with_its_line(tmp_path: Path) -> None:
    table = messy()
    n = len(table) - 8
    found = read(write(tmp_path, table))
    assert found.dropped == {
        "no merchant": 1,
        "no readable date": 1,
        "date outside 2000-01-01 to 2040-12-31": 1,
        "date more than 60 days from nearly all others": 1,
        "no readable number of orders": 1,
        "negative number of orders": 2,
        "second row of a merchant and day": 1,
    }
    assert found.rows_read == n + 8
    said = "\n".join(found.notes)
    assert f"2 rows dropped: negative number of orders (first in line {n + 7:,})" in said
    assert found.days.orders.sum() == steady().sum()


def test_it_keeps_the_rows_that_a_replay_keeps(tmp_path: Path) -> None:
    path = write(tmp_path, messy())
    found = read(path)
    source = SimpleNamespace(
        file=str(path), merchant="merchant", date="date", orders="orders", value=SimpleNamespace(amount=100)
    )
    last = MONDAY + timedelta(days=found.days.n_days - 1)
    replay = Replay.read(
        SimpleNamespace(merchants=SimpleNamespace(orders=source), calendar=SimpleNamespace(start=MONDAY, last=last))
    )
    replayed = np.array([replay.orders_of(day_number(MONDAY) + row) for row in range(found.days.n_days)])
    assert np.array_equal(replayed, found.days.orders)


def test_days_without_anybody_are_missing_and_said(tmp_path: Path) -> None:
    orders = steady()
    orders[[20, 21]] = 0
    found = read(write(tmp_path, rows_of(orders)))
    assert "2 days on which nobody sold anything are taken as missing: 2012-01-22, 2012-01-23" in found.notes
    assert np.flatnonzero(~found.days.is_recorded).tolist() == [20, 21]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t[t["merchant"] == 100], "merchant: 1 merchant with orders; at least 20 are needed"),
        (lambda t: t[t["date"] < "2012-02-10"], "date: 39 days from 2012-01-02 to 2012-02-09; 56 to 7,320 days"),
        (lambda t: t.assign(orders=0), "orders: no row has any order"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: t.drop(columns="orders"), "orders: no such column; the file has: merchant, date"),
        (lambda t: t.assign(orders=-t["orders"]), "rows cannot be used; "),
        (lambda t: t.assign(date=5), "date: numbers, where dates are wanted: 5"),
    ],
)
def test_a_file_that_says_too_little_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    path = write(tmp_path, change(rows_of(steady())))
    told = refusal(path)
    assert said in told
    assert told.startswith(f"{path}:")


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orders.txt").write_text("x")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    for name in ("orders.txt", "empty.csv", "broken.parquet"):
        assert refusal(tmp_path / name).startswith(f"{tmp_path / name}:1:1: ")


@pytest.mark.parametrize(
    ("written", "day", "note"),
    [
        (["2012-03-04 23:30:00+08:00", "2012-03-05T00:10:00Z"], ["2012-03-04", "2012-03-05"], "2 times with 2 zones"),
        (["13/04/2012", "05/04/2012"], ["2012-04-13", "2012-04-05"], "day before month"),
        (["04/05/2012", "04/06/2012"], ["2012-04-05", "2012-04-06"], "month before day, which is a guess"),
        ([20120304, 20120305], ["2012-03-04", "2012-03-05"], ""),
        (["2012-03-04", "4 March 2012"], ["2012-03-04", "2012-03-04"], ""),
    ],
)
def test_days_are_read_however_they_are_written(written: list[Any], day: list[str], note: str) -> None:
    _, days, notes = read_days("f.csv", "date", pd.Series(written))
    assert [f"{one:%Y-%m-%d}" for one in days] == day
    assert note in "".join(notes)


def test_a_day_is_one_of_the_zone_in_which_it_is_kept() -> None:
    kept = pd.Series(pd.to_datetime(["2012-03-04 23:30"])).dt.tz_localize("Asia/Shanghai")
    _, days, notes = read_days("f.parquet", "date", kept)
    assert f"{days[0]:%Y-%m-%d}" == "2012-03-04"
    assert "Asia/Shanghai" in notes[0]


def test_values_come_from_an_amount_a_column_or_a_file(tmp_path: Path) -> None:
    table = rows_of(steady())
    path = write(tmp_path, table)
    assert read(path).days.value is None
    assert set(read(path, value=25.0).days.value) == {25.0}  # type: ignore[arg-type]
    own = pd.DataFrame({"shop": np.arange(100, 130), "price": np.arange(1.0, 31.0)})
    values = write(tmp_path, own.iloc[1:], "values.csv")
    found = read(path, {"value": "price"}, values=values)
    assert found.days.value is not None
    assert found.days.value.tolist() == np.arange(2.0, 31.0).tolist()
    assert "1 merchants without a value of an order are left out" in found.notes
    by_day = write(tmp_path, table.assign(sales=2.5 * table["orders"]), "sales.csv")
    assert np.allclose(read(by_day).days.value, 2.5)  # type: ignore[arg-type]


def single_orders() -> pd.DataFrame:
    rows = rows_of(steady(25, 60, 2.0))
    each = rows.loc[rows.index.repeat(rows["orders"])].reset_index(drop=True)
    ordered = pd.to_datetime(each["date"]) + pd.Timedelta(hours=12)
    return pd.DataFrame(
        {
            "merchant": each["merchant"],
            "ordered": ordered,
            "value": 10.0 + each.index % 2,
            "returned": (each.index % 10 == 0).astype(int),
            "confirmed": ordered + pd.to_timedelta(6 + 2 * (each.index % 2), unit="D"),
        }
    )


def test_single_orders_tell_of_returns_and_confirmation(tmp_path: Path) -> None:
    table = single_orders()
    found: Observed = read(write(tmp_path, table))
    assert found.days.orders.sum() == len(table)
    assert found.returned is not None
    assert found.confirmed is not None
    back, worth = found.returned.sum(0)
    assert worth == pytest.approx(table["value"].sum())
    assert back == pytest.approx(table["value"][table["returned"] == 1].sum())
    lag, n = found.confirmed.sum(0)
    assert n == len(table)
    assert lag / n == pytest.approx(6 + 2 * (np.arange(len(table)) % 2).mean())


def test_many_merchants_are_chosen_by_lot_the_same_for_a_seed(tmp_path: Path) -> None:
    path = write(tmp_path, rows_of(steady(60)))
    one, same, other = (read(path, merchants=25, seed=seed) for seed in (1, 1, 2))
    assert (one.days.n_shops, one.n_merchants) == (25, 60)
    assert np.array_equal(one.days.orders, same.days.orders)
    assert not np.array_equal(one.days.orders, other.days.orders)
    assert one.days.first == date(2012, 1, 2)
