"""Common random numbers: a merchant's luck is the same whatever lenders do and however many merchants there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from small import differing, lived, scenario

from sim.core import draws
from sim.core.loanbook import LoanBook
from sim.core.merchants import LENDER_BLOCK, STATE, TRAITS
from sim.engine.market import Market
from sim.world import birth

# What chance gives a merchant, whatever anybody does: its traits, the shock of today and the sum of all shocks so far.
EXOGENOUS = (*TRAITS, "shock", "luck")
DAYS, N = 60, 1000
RIVAL = {"equity": "2 m yuan", "products": {"revolving_line": {"rate": "0.04 %/day", "minimum": "100 yuan"}}}

OTHER_LENDERS: dict[str, dict[str, Any]] = {
    "a stricter lender": {"lenders.ali.scoring.cutoff": 0.9},
    "another policy": {"lenders.ali.scoring": {"policy": "rules"}, "lenders.ali.limit.multiple": 3},
    "a poorer lender": {"lenders.ali.equity": "30000 yuan"},
    "a changing lender": {
        "lenders.ali.changes": {"dearer": {"date": "2012-03-10", "set": {"products.order_loan.rate": "0.09 %/day"}}}
    },
    "no lender": {"lenders": {}},
    "two lenders": {"lenders.rival": RIVAL},
}
MORE = {"merchants.number": N + N // 10}


@pytest.fixture(scope="module")
def plain() -> Market:
    market = lived(scenario(), DAYS)
    assert market.book.n > 50
    return market


@pytest.mark.parametrize("world", OTHER_LENDERS)
def test_other_lenders_leave_every_merchants_luck_alone(plain: Market, world: str) -> None:
    other = lived(scenario(OTHER_LENDERS[world]), DAYS)
    assert differing(plain, other, EXOGENOUS) == {}
    assert np.array_equal(plain.outlook.demand, other.outlook.demand)
    # The two worlds are two: money has gone other ways.
    assert "wallet" in differing(plain, other, STATE)


def test_more_merchants_leave_every_merchants_luck_alone(plain: Market) -> None:
    more = lived(scenario(MORE), DAYS)
    assert more.merchants.n == 1100
    assert differing(plain, more, EXOGENOUS, N) == {}
    for name in ("demand", "season_ahead", "lift", "lift_ahead"):
        assert np.array_equal(getattr(plain.outlook, name), getattr(more.outlook, name))
    # Shops do meet each other: unmet demand goes to rivals, of whom there are more now.
    assert "wallet" in differing(plain, more, STATE, N)


def test_the_same_shops_enter_on_the_same_days(plain: Market) -> None:
    more = lived(scenario(MORE | {"lenders": {}}), DAYS)
    first = plain.calendar[0].number
    late = plain.merchants.entry_day[:N] > first
    assert 50 < int(late.sum()) < 150
    assert int((late & (plain.merchants.entry_day[:N] < first + DAYS)).sum()) > 5
    assert np.array_equal(plain.merchants.entry_day[:N], more.merchants.entry_day[:N])


def test_luck_runs_on_for_shops_that_have_closed(plain: Market) -> None:
    gone = plain.merchants.closed_day > 0
    before = plain.merchants.luck.copy()
    kept = lived(scenario(), DAYS + 10)
    assert int(gone.sum()) > 5
    assert np.all(kept.merchants.luck[gone] != before[gone])


def test_luck_is_the_sum_of_the_shocks_from_the_day_of_entry() -> None:
    market = lived(scenario({"lenders": {}, "merchants.number": 300}), 0)
    total = np.zeros(300, np.float32)
    for day in market.calendar[:40]:
        market.step()
        has_entered = market.merchants.entry_day <= day.number
        total += np.where(has_entered, market.merchants.shock, np.float32(0))
    assert np.array_equal(total, market.merchants.luck)


def test_without_stealing_and_lenders_merchants_do_not_touch_each_other() -> None:
    alone = {"lenders": {}, "merchants.demand.business_stealing": 0.0}
    columns = (*TRAITS, *STATE)
    few, more = lived(scenario(alone), 0), lived(scenario(alone | MORE), 0)
    while few.running:
        few.step()
        more.step()
        if few.day_index % 20 == 0 or few.day_index < 4:
            assert differing(few, more, columns, N) == {}, f"day {few.day_index}"
    assert int((few.merchants.closed_day > 0).sum()) > 20
    # The same with stealing: this is a test that can fail.
    stealing = {"lenders": {}, "merchants.demand.business_stealing": 0.5}
    apart = differing(lived(scenario(stealing), 30), lived(scenario(stealing | MORE), 30), columns, N)
    assert apart["wallet"] > N // 20


def test_without_stealing_a_lenders_record_of_a_merchant_does_not_depend_on_others() -> None:
    """Rich enough that money never rations, a lender treats a merchant alike in a market of any size."""
    rich = {"merchants.demand.business_stealing": 0.0, "lenders.ali.equity": "1 bn yuan"}
    few, more = lived(scenario(rich), DAYS), lived(scenario(rich | MORE), DAYS)
    columns = (*TRAITS, *STATE, *(f"lender.{name}" for name in LENDER_BLOCK))
    assert few.book.n > 50
    assert differing(few, more, columns, N) == {}


def test_another_seed_is_other_luck(plain: Market) -> None:
    apart = differing(plain, lived(scenario(), DAYS, seed=4), EXOGENOUS)
    assert {"base_orders", "shock", "luck", "habit", "category"} <= set(apart)


def test_every_merchant_has_luck_of_its_own(plain: Market) -> None:
    assert np.unique(plain.merchants.shock).size > 0.99 * N
    assert np.unique(plain.merchants.base_orders).size > 0.99 * N


# ------------------------------------------------------------------------- the tests above, proved by breaking the rule


def shared_for_births(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """One trait is drawn from a generator with a state; gives what starts it anew."""
    generator = [np.random.default_rng(1)]
    right = draws.normal

    def normal(seed: int, stream: str, day: int, ids: Any, k: int = 0) -> npt.NDArray[np.float64]:
        if stream == "birth.trade":
            return generator[0].standard_normal(np.size(ids))
        return right(seed, stream, day, ids, k)

    monkeypatch.setattr(birth.draws, "normal", normal)
    return lambda: generator.__setitem__(0, np.random.default_rng(1))


def shared_for_shocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The key of the day's shocks comes from a generator that every loan and every lender's draw uses as well."""
    generator = [np.random.default_rng(1)]
    right_key, right_uniform, right_append = draws.day_key, draws.uniform, LoanBook.append

    def day_key(seed: int, stream: str, day: int) -> np.uint64:
        if stream == "sales.shock":
            return np.uint64(generator[0].integers(1 << 62))
        return right_key(seed, stream, day)

    def uniform(seed: int, stream: str, day: int, ids: Any, k: int = 0) -> npt.NDArray[np.float64]:
        generator[0].random(np.size(ids))
        return right_uniform(seed, stream, day, ids, k)

    def append(book: LoanBook, **values: Any) -> None:
        generator[0].random(np.size(values["loan_id"]))
        right_append(book, **values)

    monkeypatch.setattr(draws, "day_key", day_key)
    monkeypatch.setattr(draws, "uniform", uniform)
    monkeypatch.setattr(LoanBook, "append", append)
    return lambda: generator.__setitem__(0, np.random.default_rng(1))


def broken(changes: dict[str, Any], anew: Callable[[], None]) -> Market:
    anew()
    return lived(scenario(changes), 20)


def test_a_trait_from_a_shared_generator_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    anew = shared_for_births(monkeypatch)
    one, same, more = (broken(changes, anew) for changes in ({}, {}, MORE))
    assert differing(one, same, EXOGENOUS) == {}
    assert "lead_days" in differing(one, more, EXOGENOUS, N)


@pytest.mark.parametrize("world", [*OTHER_LENDERS, "more merchants"])
def test_a_shock_from_a_shared_generator_is_found_out(monkeypatch: pytest.MonkeyPatch, world: str) -> None:
    changes = MORE if world == "more merchants" else OTHER_LENDERS[world]
    if world == "a changing lender":  # it lends the same until it changes
        changes = {"lenders.ali.changes": {"none": {"date": "2012-02-20", "set": {"scoring.cutoff": 1.0}}}}
    anew = shared_for_shocks(monkeypatch)
    one, same, other = (broken(each, anew) for each in ({}, {}, changes))
    assert differing(one, same, EXOGENOUS) == {}
    assert {"shock", "luck"} <= set(differing(one, other, EXOGENOUS, N))
