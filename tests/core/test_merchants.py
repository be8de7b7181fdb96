"""The merchant columns and the view of a policy: what is declared, who may see it, and that looking changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.core import draws
from sim.core.clock import LAST_YEAR, day_number
from sim.core.merchants import (
    DECIDED,
    INTEGRITY,
    LENDER_BLOCK,
    OBSERVABLE,
    PLATFORMS,
    STAGES,
    STATE,
    TRAITS,
    Merchants,
    View,
)
from sim.core.money import parse_money
from sim.errors import PolicyError
from sim.lenders.product_terms import MOST_OWED

TABLES = {"traits": TRAITS, "state": STATE, "lender": LENDER_BLOCK, "observable": OBSERVABLE, "decided": DECIDED}

# What no lender may see under any name: who the merchant is, what it will do, and its luck.
HIDDEN = {
    "merchant_id", "integrity", "quality", "wash", "kappa", "habit", "bother", "price_sensitivity", "patience",
    "bust_day", "growth", "volatility", "promotion_fit", "margin", "base_orders", "shock", "luck", "wallet", "stock",
    "on_order", "arrears", "outside_debt", "shortage", "demand_mean", "sales_total", "lost_total", "closed_day",
    "reopen_day", "entry_day", "off_platform", "lead_days", "cover_days", "fixed_cost", "gain", "flags",
    "retreat", "promotion", "spell", "wash_level",
}  # fmt: skip
IDS = np.array([900, 17, 4, 2**40 - 1, 33])
COLUMNS: dict[str, npt.NDArray[Any]] = {
    "tenure_days": np.arange(5.0),
    "sales_mean_30d": np.arange(5.0) * 100.0,
    "limit_fen": np.arange(5) * 1000,
}


def a_view(
    needs: tuple[str, ...] = ("tenure_days", "sales_mean_30d"), rows: Any = slice(None), day: int = 4383
) -> View:
    return View({name: column[rows] for name, column in COLUMNS.items()}, needs, IDS[rows], seed=9, day=day)


# ---------------------------------------------------------------------------------------------- the declarations


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_column_says_what_it_is(table: dict[str, Any]) -> None:
    for name, column in table.items():
        assert column.name == name
        assert np.dtype(column.dtype).kind in "biuf"
        assert column.unit
        assert column.owner
        assert len(column.doc) > 3


def test_a_column_has_one_owner() -> None:
    assert not set(TRAITS) & set(STATE)
    assert all(column.owner == "world.birth" for column in TRAITS.values())


def test_money_columns_can_hold_whole_fen() -> None:
    """float32 is exact to 2^24 fen, 170,000 yuan: what is booked needs float64, and what a lender may be owed int32."""
    booked = {"shipped", "wallet", "arrears", "outside_debt", "sales_total"}
    assert all(STATE[name].dtype == "float64" for name in booked)
    owed = [column for name, column in LENDER_BLOCK.items() if name.endswith("_fen")]
    assert all(column.dtype == "int32" for column in owed)
    assert parse_money(MOST_OWED) < 2**31


def test_day_numbers_hold_every_tabled_year() -> None:
    days = [column for column in (*TRAITS.values(), *STATE.values(), *LENDER_BLOCK.values()) if "day" in column.unit]
    numbers = [column for column in days if column.unit == "day number"]
    assert len(numbers) == 10
    assert all(np.iinfo(column.dtype).max > 2 * day_number(date(LAST_YEAR, 12, 31)) for column in numbers)


def test_lenders_cannot_see_the_hidden_truth() -> None:
    assert (TRAITS.keys() | STATE.keys()) >= HIDDEN
    assert not OBSERVABLE.keys() & HIDDEN
    assert not DECIDED.keys() & HIDDEN
    words = {name for name in HIDDEN if name in ("integrity", "quality", "wash", "kappa", "habit", "patience", "luck")}
    assert len(words) == 7
    assert not [(seen, word) for seen in OBSERVABLE for word in words if word in seen]


# ---------------------------------------------------------------------------------------------------- the view


def test_a_view_gives_the_declared_columns() -> None:
    view = a_view()
    assert view.n == 5
    assert np.array_equal(view["tenure_days"], COLUMNS["tenure_days"])
    assert np.array_equal(view.sales_mean_30d, view["sales_mean_30d"])


def test_a_view_is_read_only() -> None:
    view = a_view()
    with pytest.raises(ValueError, match="read-only"):
        view["tenure_days"][0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        view.tenure_days[:] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        np.add(view.tenure_days, 1.0, out=view.tenure_days)
    with pytest.raises(AttributeError):
        view.tenure_days = np.zeros(5)
    with pytest.raises(TypeError):
        view["tenure_days"] = np.zeros(5)  # type: ignore[index]
    assert np.array_equal(COLUMNS["tenure_days"], np.arange(5.0))
    COLUMNS["tenure_days"][0] = 0.0  # the owner of a column may still write it


def test_a_view_stays_read_only() -> None:
    column = a_view(rows=slice(1, 4)).tenure_days
    with pytest.raises(ValueError, match="WRITEABLE"):
        column.flags.writeable = True


def test_an_undeclared_column_is_refused_with_what_to_do() -> None:
    with pytest.raises(PolicyError, match=r"'limit_fen' is used but not declared; add it to `needs` .*sales_mean_30d"):
        a_view()["limit_fen"]
    with pytest.raises(PolicyError, match="'score' is used but not declared"):
        _ = a_view().score


@pytest.mark.parametrize("name", ["quality", "integrity", "wallet", "sales_mean_31d", ""])
def test_a_hidden_or_unknown_column_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(PolicyError) as caught:
        a_view()[name]
    assert f"no observable column {name!r}" in str(caught.value)
    assert all(column in str(caught.value) for column in OBSERVABLE)


def test_a_view_has_no_back_door_by_attribute() -> None:
    view = a_view()
    for name in ("_merchants", "__dict__", "_anything"):
        with pytest.raises(AttributeError):
            getattr(view, name)
    assert view._columns.keys() == {"tenure_days", "sales_mean_30d"}


def test_a_coin_belongs_to_a_merchant_and_a_day() -> None:
    whole = a_view().coin()
    assert np.array_equal(whole, draws.uniform(9, "policy.coin", 4383, IDS))
    order = np.array([3, 0, 4])
    assert np.array_equal(a_view(rows=order).coin(), whole[order])
    assert np.array_equal(a_view(needs=()).coin(), whole)
    assert not np.isin(a_view().coin(1), whole).any()
    assert not np.isin(a_view(day=4384).coin(), whole).any()
    assert np.unique(whole).size == IDS.size


# ------------------------------------------------------------------------------------------------ the columns


def test_merchants_have_every_declared_column_in_its_shape() -> None:
    m = Merchants(6, 2)
    for name, column in (TRAITS | STATE).items():
        found = getattr(m, name)
        assert found.dtype == column.dtype
        assert found.shape == ((6,) if column.shape == 1 else (column.shape, 6))
        assert not found.any()
    assert m.shipped.shape == (STAGES, 6)
    assert m.lender.keys() == LENDER_BLOCK.keys()
    assert all(block.shape == (2, 6) and block.dtype == LENDER_BLOCK[name].dtype for name, block in m.lender.items())
    with pytest.raises(AttributeError, match="walet"):
        _ = m.walet


def test_columns_are_the_arrays_themselves_in_the_declared_order() -> None:
    m = Merchants(3, 1)
    names: list[str] = []
    m.visit(lambda name, array: names.append(name))
    assert names == [*TRAITS, *STATE, *(f"lender.{name}" for name in LENDER_BLOCK)]
    m.columns()["wallet"][1] = 5.0
    m.columns()["lender.limit_fen"][0, 2] = 7
    assert m.wallet[1] == 5.0
    assert m.lender["limit_fen"][0, 2] == 7


def test_a_market_without_lenders_has_empty_blocks() -> None:
    assert Merchants(4, 0).lender["limit_fen"].shape == (0, 4)


def test_codes_are_positions_in_their_names() -> None:
    assert PLATFORMS == ("taobao", "tmall", "b2b")
    assert INTEGRITY == ("honest", "opportunist", "fraudster")
