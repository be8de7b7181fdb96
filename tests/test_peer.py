"""The benchmark's peer agrees with the engine: to the loan with the same luck, statistically with its own."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.core import draws
from sim.core.kernels import hash64, high_half, kernel, low_half, normal_pair, unit32
from sim.core.kernels import poisson as count
from sim.engine.scenario import Scenario

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "experiments" / "benchmark"))
peer: Any = importlib.import_module("peer")

MEASURES = ("sales", "n_loans", "disbursed", "balance", "active")
NO_WASH = {"merchants.character.wash_intensity": 0.0}  # the peer leaves wash trades out


def shared(**changes: Any) -> Scenario:
    """Give `tiny` without what the peer leaves out; names with ``__`` for the dots of a path."""
    named = {path.replace("__", "."): value for path, value in changes.items()}
    return sim.load(ROOT / "scenarios" / "tiny.yaml", NO_WASH | named)


def days(n: int) -> dict[str, Any]:
    return {"start": "2012-02-15", "days": n}


def engine_totals(plan: Scenario, seed: int) -> dict[str, float]:
    daily = sim.simulate(plan, seed=seed, threads=1).daily
    late = daily.filter(regex="balance_(1_30|31_60|61_90|90_plus)_fen")
    return {
        "sales": daily["merchant_sales_fen"].sum(),
        "n_loans": daily["n_loans"].sum(),
        "disbursed": daily["disbursed_fen"].sum(),
        "balance": daily["balance_fen"].iloc[-1],
        "active": daily["merchants_active"].iloc[-1],
        "late_balance": late.to_numpy().sum(),
    }


def peer_totals(plan: Scenario, seed: int, change: Callable[[Any], None] | None = None) -> dict[str, float]:
    model = peer.Peer(plan, seed)
    if change is not None:
        change(model)
    while model.running:
        model.step()
    sums = {name: float(sum(day[name] for day in model.totals)) for name in model.totals[0]}
    return sums | {name: model.totals[-1][name] for name in ("balance", "active")}


# ------------------------------------------------------------------------------------------------------ the same luck
# With the engine's own draws the peer must do what the engine does, merchant by merchant; only rounding differs, as the
# engine keeps goods and means in float32 and every payment in whole fen. One wrong rule shows at once.


@kernel
def luck_of(shock_key: Any, orders_key: Any, attention_key: Any, merchant_id: Any) -> Any:
    """One merchant's draws of a day: two normals, the hash of its orders, two uniforms."""
    z1, z2 = normal_pair(hash64(shock_key, merchant_id, 0))
    h = hash64(attention_key, merchant_id, 0)
    return z1, z2, hash64(orders_key, merchant_id, 0), unit32(high_half(h)), unit32(low_half(h))


@kernel
def orders_of(mean: Any, h: Any) -> Any:
    """The engine's count of orders."""
    return count(np.float32(mean), unit32(high_half(h)), normal_pair(h)[0])


class EngineLuck:
    """In place of `model.random`: hands out the engine's draws of the merchant whose day it is."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.orders = np.uint64(0)
        self.normals: list[float] = []
        self.uniforms: list[float] = []

    def of(self, merchant: Any) -> None:
        streams = ("sales.shock", "sales.orders", "attention")
        keys = [draws.day_key(self.seed, stream, merchant.model.today) for stream in streams]
        z1, z2, h, asks, leaves = luck_of(*keys, merchant.merchant_id)
        self.normals, self.orders, self.uniforms = [z2, z1], np.uint64(h), [leaves, asks]

    def gauss(self) -> float:
        return float(self.normals.pop())

    def random(self) -> float:
        return float(self.uniforms.pop()) if self.uniforms else 0.5

    def shuffle(self, merchants: list[Any]) -> None:
        """Nothing: the lender is rich, so that the order does not matter."""


class Twin(peer.Merchant):  # type: ignore[misc, name-defined]
    """A merchant of the peer with the luck of its twin in the engine."""

    def live(self) -> None:
        self.model.random.of(self)
        super().live()

    def pay_due(self, loan: Any, has_struck: bool) -> int:
        kept, self.model.random.uniforms = self.model.random.uniforms, []  # nothing is forgotten
        paid: int = super().pay_due(loan, has_struck)
        self.model.random.uniforms = kept
        return paid


NO_OTHER_LUCK = {
    "merchants__repayment__forgets": 0.0,
    "merchants__exits__returns": 0.0,
    "lenders__ali__equity": "100 m yuan",
}
CALM = {"merchants__number": 600, "calendar": days(75)}
ROUGH = {
    "merchants__number": 400,
    "calendar": days(130),
    "merchants__character__opportunists": 0.35,
    "merchants__character__fraudsters": 0.06,
    "merchants__character__fraud_delay": "60 days",
    "merchants__repayment__shop_value": "5 days",
    "merchants__repayment__sanction": "0 yuan",
    "lenders__ali__scoring__cutoff": 0.0,
    "lenders__ali__limit__multiple": 4,
    "lenders__ali__eligibility__min_tenure": "0 days",
    "lenders__ali__products__revolving_line__term": "20 days",
    "lenders__ali__write_off_after": "50 days",
}
SAME = {"sales": 0.001, "n_loans": 0.005, "disbursed": 0.01, "balance": 0.01, "active": 0.005, "late_balance": 0.02}


def gaps(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    """Give the difference of each measure over the engine's value."""
    return {name: abs(ours[name] - theirs[name]) / max(theirs[name], 1.0) for name in SAME}


@pytest.fixture
def with_engine_luck(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    def totals(plan: Scenario, seed: int, change: Callable[[Any], None] | None = None) -> dict[str, float]:
        def begin(model: Any) -> None:
            model.random = EngineLuck(seed)
            if change is not None:
                change(model)

        return peer_totals(plan, seed, begin)

    monkeypatch.setattr(peer, "Merchant", Twin)
    monkeypatch.setattr(peer, "poisson", lambda luck, mean: int(orders_of(mean, luck.orders)))
    return totals


@pytest.mark.parametrize("setting", [CALM, ROUGH], ids=["calm", "rough"])
def test_with_the_same_luck_the_peer_does_what_the_engine_does(
    setting: dict[str, Any], with_engine_luck: Callable[..., dict[str, float]]
) -> None:
    plan = shared(**NO_OTHER_LUCK, **setting)
    theirs = engine_totals(plan, 3)
    found = gaps(with_engine_luck(plan, 3), theirs)
    print(theirs, found)
    assert theirs["n_loans"] > 300
    assert {name: gap for name, gap in found.items() if gap > SAME[name]} == {}
