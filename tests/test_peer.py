"""The benchmark's peer agrees with the engine: to the loan with the same luck, in the mean with its own."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import zlib
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

Totals = dict[str, float]
Change = Callable[[Any], None]
MEASURES = ("sales", "n_loans", "disbursed", "balance", "active")
SEED = 1
# What the peer leaves out; and keen borrowers, so that few merchants make many loans.
SHARED = {
    "merchants.character.wash_intensity": 0.0,
    "merchants.advertising": {"pull": 0.0, "run_up": 0.0, "short": 0.0, "retreat": 0.0},
    "merchants.elsewhere.shifted": 0.0,
    "merchants.entrants.cut": 0.0,
    "merchants.spells": {"rest": 0.0, "festival": 0.0, "hot": 0.0},
    "merchants.borrowing.habit_mean": 0.17,
}


def shared(*changes: dict[str, Any]) -> Scenario:
    """Give the setting that both run, with dotted paths changed."""
    overrides = dict(SHARED)
    for change in changes:
        overrides |= change
    return sim.load(ROOT / "scenarios" / "tiny.yaml", overrides)


def days(n: int) -> dict[str, Any]:
    return {"start": "2012-02-15", "days": n}


def keep(model: Any) -> None:
    """Change nothing."""


def engine_totals(plan: Scenario, seed: int) -> Totals:
    daily = sim.simulate(plan, seed=seed, threads=1).daily
    late = daily[[f"balance_{ages}_fen" for ages in ("1_30", "31_60", "61_90", "90_plus")]]
    return {
        "sales": float(daily["merchant_sales_fen"].sum()),
        "n_loans": float(daily["n_loans"].sum()),
        "disbursed": float(daily["disbursed_fen"].sum()),
        "balance": float(daily["balance_fen"].iloc[-1]),
        "balance_days": float(daily["balance_fen"].sum()),
        "active": float(daily["merchants_active"].sum()),
        "late_balance": float(late.to_numpy().sum()),
        "written_off": float(daily["written_off_fen"].sum()),
        "rejected_funds": float(daily["rejected_funds"].sum()),
    }


def peer_totals(plan: Scenario, seed: int, change: Change = keep) -> Totals:
    model = peer.Peer(plan, seed)
    change(model)
    while model.running:
        model.step()
    sums = {name: float(sum(day[name] for day in model.totals)) for name in model.totals[0]}
    return sums | {"balance_days": sums["balance"], "balance": float(model.totals[-1]["balance"])}


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
        """The engine's lottery of those who ask."""
        if merchants:
            ids = np.array([merchant.merchant_id for merchant in merchants])
            key = zlib.crc32(b"ali") & 0xFFFF
            coins = draws.uniform(self.seed, "lender.queue", merchants[0].model.today, ids, key)
            merchants[:] = [merchants[place] for place in np.argsort(coins)]


class Twin(peer.Merchant):
    """A merchant of the peer with the luck of its twin in the engine."""

    def live(self) -> None:
        self.model.random.of(self)
        super().live()

    def pay_due(self, loan: Any, has_struck: bool) -> int:
        kept, self.model.random.uniforms = self.model.random.uniforms, []  # nothing is forgotten
        paid: int = super().pay_due(loan, has_struck)
        self.model.random.uniforms = kept
        return paid


SAME_LUCK = {"merchants.repayment.forgets": 0.0, "merchants.exits.returns": 0.0}  # what has other streams of draws
CALM = {"merchants.number": 500, "calendar": days(60)}
SETTINGS: dict[str, dict[str, Any]] = {
    "calm": CALM | {"lenders.ali.equity": "100 m yuan"},
    "money runs short": CALM | {"lenders.ali.equity": "60000 yuan"},
    "rough": {
        "merchants.number": 400,
        "calendar": days(140),
        "merchants.character.opportunists": 0.35,
        "merchants.character.fraudsters": 0.06,
        "merchants.character.fraud_delay": "60 days",
        "merchants.repayment.shop_value": "5 days",
        "merchants.repayment.sanction": "0 yuan",
        "lenders.ali.equity": "100 m yuan",
        "lenders.ali.scoring.cutoff": 0.0,
        "lenders.ali.limit.multiple": 4,
        "lenders.ali.eligibility.min_tenure": "0 days",
        "lenders.ali.products.revolving_line.term": "20 days",
        "lenders.ali.write_off_after": "30 days",
    },
}
# Largest difference over the engine's value: rounding moves a loan by a day or by 100 yuan now and then.
SAME = {"sales": 0.001, "n_loans": 0.015, "disbursed": 0.01, "balance_days": 0.01, "active": 0.004}


def apart(ours: Totals, theirs: Totals) -> Totals:
    """Give the measures that differ by more than rounding, with their difference over the engine's value."""
    gaps = {name: abs(ours[name] - theirs[name]) / theirs[name] for name in SAME}
    return {name: gap for name, gap in gaps.items() if gap > SAME[name]}


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the merchants of the peer have the luck of those of the engine."""
    home = sys.modules[peer.Merchant.__module__]
    monkeypatch.setattr(home, "poisson", lambda luck, mean: int(orders_of(mean, luck.orders)))
    monkeypatch.setattr(peer, "Merchant", Twin)


def twin_totals(setting: str, change: Change = keep) -> Totals:
    def begin(model: Any) -> None:
        model.random = EngineLuck(SEED)
        change(model)

    return peer_totals(shared(SAME_LUCK, SETTINGS[setting]), SEED, begin)


@pytest.fixture(scope="module")
def engine() -> dict[str, Totals]:
    return {name: engine_totals(shared(SAME_LUCK, setting), SEED) for name, setting in SETTINGS.items()}


@pytest.mark.usefixtures("twins")
@pytest.mark.parametrize("setting", SETTINGS)
def test_with_the_same_luck_the_peer_does_what_the_engine_does(setting: str, engine: dict[str, Totals]) -> None:
    ours, theirs = twin_totals(setting), engine[setting]
    assert apart(ours, theirs) == {}
    assert ours["late_balance"] == pytest.approx(theirs["late_balance"], rel=0.03, abs=0.001 * theirs["balance_days"])


def test_the_settings_are_what_they_are_called(engine: dict[str, Totals]) -> None:
    assert engine["calm"]["n_loans"] > 200
    assert engine["calm"]["rejected_funds"] == 0
    assert engine["money runs short"]["rejected_funds"] > 200
    assert engine["rough"]["written_off"] > 0
    assert engine["rough"]["late_balance"] > 0.05 * engine["rough"]["balance_days"]


# ---------------------------------------------------------------------------------------- the same, proved by a change


def dearer_goods(model: Any) -> None:
    model.born.margin[:] *= 2 / 3


def slower_confirmation(model: Any) -> None:
    model.stage_share *= 3 / 4


def smaller_limits(model: Any) -> None:
    model.lender.rule = dataclasses.replace(model.lender.rule, multiple=model.lender.rule.multiple / 3)


def stricter_card(model: Any) -> None:
    model.lender.card = dataclasses.replace(model.lender.card, even_points=model.lender.card.even_points + 40)


def cheaper_outside_money(model: Any) -> None:
    model.outside_price *= 2 / 3


CHANGES = [dearer_goods, slower_confirmation, smaller_limits, stricter_card, cheaper_outside_money]


@pytest.mark.usefixtures("twins")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_with_the_same_luck_a_changed_rule_shows(engine: dict[str, Totals], change: Change) -> None:
    assert apart(twin_totals("calm", change), engine["calm"])


# -------------------------------------------------------------------------------------------------------- its own luck


def far(ours: list[Totals], theirs: list[Totals]) -> dict[str, str]:
    """Give the measures whose means differ by more than 3 standard errors of the difference and 3 % on top.

    Runs are paired by seed: births, calendar and common shocks are the same, so that their noise drops out.
    """
    found = {}
    for name in MEASURES:
        mean = np.mean([run[name] for run in theirs])
        gaps = np.array([run[name] for run in ours]) / mean - np.array([run[name] for run in theirs]) / mean
        error = gaps.std(ddof=1) / len(gaps) ** 0.5
        print(f"{name}: engine {mean:,.0f}, peer {100 * gaps.mean():+.2f} % (standard error {100 * error:.2f} %)")
        if abs(gaps.mean()) > 3 * error + TOLERANCE:
            found[name] = f"{100 * gaps.mean():+.1f} % +- {100 * error:.1f} %"
    return found


TOLERANCE = 0.03
# Shops of like size, so that few seeds can tell a changed rule.
ALIKE: dict[str, Any] = {"merchants.size": {"sigma": 0.8, "tail_share": 0.0}}
SMALL = ALIKE | {"merchants.number": 500, "calendar": days(60)}
LARGE = {"merchants.number": 1000, "calendar": days(90)}
FEW, MANY = range(1, 7), range(1, 13)


def both(setting: dict[str, Any], seeds: range, change: Change = keep) -> tuple[list[Totals], list[Totals]]:
    """Run the peer, changed, and the engine on the same seeds."""
    plan = shared(setting)
    return [peer_totals(plan, seed, change) for seed in seeds], [engine_totals(plan, seed) for seed in seeds]


def test_means_agree() -> None:
    assert far(*both(SMALL, FEW)) == {}


def test_means_do_not_agree_when_margins_are_a_third_lower() -> None:
    assert far(*both(SMALL, FEW, dearer_goods))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{}, {"lenders.ali.equity": "120000 yuan"}, ALIKE], ids=["tiny", "money runs short", "alike"]
)
def test_means_agree_over_many_merchants(change: dict[str, Any]) -> None:
    assert far(*both(LARGE | change, MANY)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("change", [dearer_goods, slower_confirmation], ids=lambda change: change.__name__)
def test_means_do_not_agree_when_a_rule_is_changed_by_a_third(change: Change) -> None:
    assert far(*both(LARGE | ALIKE, MANY, change))


# ----------------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"lenders": {}}, "not one lender"),
        ({"lenders.ali.limit.policy": "tiers"}, "other policies"),
        ({"lenders.ali.scoring.window": "naive"}, "naive"),
        ({"events": {"freeze": {"date": "2012-03-01", "kind": "funding_freeze", "days": 9}}}, "freezes"),
        ({"events": {"talk": {"date": "2012-03-01", "kind": "rumour", "size": 0.5, "days": 9}}}, "rumours"),
    ],
)
def test_a_scenario_beyond_the_peer_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        peer.Peer(shared(change))
