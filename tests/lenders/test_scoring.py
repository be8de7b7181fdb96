"""The points card and the knock-out rules."""

from __future__ import annotations

import ast
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_views import YUAN, a_context, a_view, ask

import sim.lenders.policies.scoring as scoring
from sim.lenders.policies.scoring import CARD, Points, Rules, chance
from sim.lenders.policy import Answer, decide

# A shop with nothing to find fault with: the best class of every attribute.
SPOTLESS: dict[str, Any] = {
    "tenure_days": 2_000,
    "sales_mean_30d": 5_000 * YUAN,
    "sales_mean_90d": 5_000 * YUAN,
    "sales_deviation_30d": 1_000 * YUAN,
    "season_index": 1.0,
    "season_index_90d": 1.0,
    "return_rate": 0.01,
    "reviews": 1.2,
    "orders_mean_30d": 20,
    "n_repaid": 40,
    "worst_dpd": 0,
    "dpd": 0,
    "bureau_worst_dpd": 0,
    "buyer_concentration": 0.1,
    "confirm_days": 8,
}
EACH_FAULT = {
    "young shop": {"tenure_days": 30},
    "low sales": {"sales_mean_30d": 10 * YUAN, "sales_mean_90d": 10 * YUAN, "sales_deviation_30d": 1 * YUAN},
    "falling or erratic growth": {"sales_mean_90d": 20_000 * YUAN},
    "unsteady sales": {"sales_deviation_30d": 20_000 * YUAN},
    "many returns": {"return_rate": 0.3},
    "poor reviews": {"reviews": 0.5},
    "few orders": {"orders_mean_30d": 0.05},
    "short record with us": {"n_repaid": 0},
    "was late with us": {"worst_dpd": 40},
    "is late now": {"dpd": 10},
    "late elsewhere": {"bureau_worst_dpd": 100},
    "few buyers": {"buyer_concentration": 0.9},
    "confirmed too fast": {"confirm_days": 1},
}


def reasons_of(answer: Answer, policy: Any) -> list[list[str]]:
    assert answer.reasons is not None
    return [[policy.reasons[one] for one in row if one >= 0] for row in answer.reasons]


def by_hand(shop: dict[str, Any], window: str = "season") -> int:
    """Add up the card the slow way, in exact numbers."""
    month, quarter = Fraction(shop["sales_mean_30d"]), Fraction(shop["sales_mean_90d"])
    steadiness = Fraction(shop["sales_deviation_30d"]) / month
    if window == "season":
        month /= Fraction(shop["season_index"])
        quarter /= Fraction(shop["season_index_90d"])
    values = [
        shop["tenure_days"], month * 30 / 100, month / quarter, steadiness, shop["return_rate"], shop["reviews"],
        shop["orders_mean_30d"], shop["n_repaid"], shop["worst_dpd"], shop["dpd"], shop["bureau_worst_dpd"],
        shop["buyer_concentration"], shop["confirm_days"],
    ]  # fmt: skip
    return sum(line.points[sum(value >= edge for edge in line.edges)] for line, value in zip(CARD, values, strict=True))


def test_the_odds_table_holds_the_twentieths_of_a_doubling() -> None:
    getcontext().prec = 40
    exact = [float(Decimal(2) ** (Decimal(step) / 20)) for step in range(20)]
    assert scoring._TWENTIETHS.tolist() == exact


def test_odds_double_every_twenty_points() -> None:
    points = np.array([-400, -40, -20, 0, 20, 40, 400])
    score = chance(points)
    odds = score / (1 - score)
    assert odds[1:-1] == pytest.approx([0.25, 0.5, 1, 2, 4], rel=1e-12)
    assert chance(np.array([0]))[0] == 0.5
    assert np.all(np.diff(chance(np.arange(-400, 401))) > 0)
    assert np.array_equal(chance(np.array([-5_000, 5_000])), chance(np.array([-400, 400])))


def test_no_power_no_exp_no_log_decides() -> None:
    """Bits must agree on all machines: neither ** nor a transcendental function stands in a policy's code."""
    for file in Path(scoring.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            assert not isinstance(node, ast.Pow), file
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"exp", "log", "log2", "log10", "log1p", "expm1", "power", "tanh"}, file


def test_a_spotless_shop_loses_nothing_and_gets_no_reason() -> None:
    answer = ask("scoring", "points", **SPOTLESS)
    best = sum(max(line.points) for line in CARD)
    assert answer.values[0] == chance(np.array([best - 100]))[0]
    assert reasons_of(answer, Points) == [[]]


@pytest.mark.parametrize("reason", [line.reason for line in CARD])
def test_each_fault_lowers_the_score_and_is_named_first(reason: str) -> None:
    spotless = ask("scoring", "points", **SPOTLESS).values[0]
    answer = ask("scoring", "points", **SPOTLESS | EACH_FAULT[reason])
    assert answer.values[0] < spotless
    assert reasons_of(answer, Points) == [[reason]]


def test_the_card_is_added_up_as_written() -> None:
    seen = {
        "tenure_days": [30, 180, 700, 1459, 3_000],
        "sales_mean_30d": [700, 30_000, 200_000, 1_000_000, 90_000],
        "sales_mean_90d": [1_000, 50_000, 100_000, 900_000, 30_000],
        "sales_deviation_30d": [1_900, 20_000, 130_000, 600_000, 240_000],
        "season_index": [1.0, 0.5, 2.0, 1.25, 1.0],
        "season_index_90d": [1.0, 0.5, 1.0, 1.25, 2.0],
        "return_rate": [0.0, 0.03, 0.0625, 0.125, 0.5],
        "reviews": [0.5, 0.875, 1.0, 1.25, 0.75],
        "orders_mean_30d": [0.0625, 0.25, 1.0, 5.0, 20.0],
        "n_repaid": [0, 1, 3, 29, 30],
        "worst_dpd": [0, 1, 8, 31, 90],
        "dpd": [0, 0, 7, 8, 31],
        "bureau_worst_dpd": [-1, 0, 1, 31, 400],
        "buyer_concentration": [0.0, 0.25, 0.5, 0.75, 1.0],
        "confirm_days": [1, 3, 5, 20, 19],
    }
    for window in ("season", "naive"):
        answer = ask("scoring", "points", n=5, given={"window": window}, **seen)
        points = [by_hand({name: values[row] for name, values in seen.items()}, window) for row in range(5)]
        assert len(set(points)) >= 4
        assert np.array_equal(answer.values, chance(np.array(points) - 100))


def test_reasons_are_ranked_by_the_points_lost() -> None:
    # 54 points for 90 days late, 28 for a new shop, 24 without a record: and 16 for poor reviews, which finds no room
    shop = SPOTLESS | {"worst_dpd": 90, "tenure_days": 0, "n_repaid": 0, "reviews": 0.1}
    assert reasons_of(ask("scoring", "points", **shop), Points) == [
        ["was late with us", "young shop", "short record with us"]
    ]


def test_even_points_move_every_score_by_whole_doublings() -> None:
    plain = ask("scoring", "points", n=4, tenure_days=[0, 200, 800, 3_000]).values
    strict = ask("scoring", "points", n=4, given={"even_points": 120}, tenure_days=[0, 200, 800, 3_000]).values
    assert strict / (1 - strict) * 2 == pytest.approx(plain / (1 - plain), rel=1e-12)


def test_the_naive_window_takes_the_season_for_the_shop() -> None:
    """Rule 12: two shops, equal but for the calendar. Only the naive card thinks that one of them is growing."""
    peak = {"sales_mean_30d": 2_000 * YUAN, "sales_mean_90d": 2_000 * YUAN, "sales_deviation_30d": 500 * YUAN}
    seen = {name: [value, value * 2] for name, value in peak.items()} | {"season_index": [1.0, 2.0]}
    shops = SPOTLESS | seen | {"season_index_90d": [1.0, 2.0]}
    fair = ask("scoring", "points", n=2, **shops).values
    naive = ask("scoring", "points", n=2, given={"window": "naive"}, **shops).values
    assert fair[0] == fair[1]
    assert naive[1] > naive[0]


def test_many_tiles_give_what_one_row_gives() -> None:
    n = 3 * 8_192 + 5
    rows = np.arange(n)
    shown = {"tenure_days": rows % 2_000, "n_repaid": rows % 37, "reviews": rows % 7 / 5, "dpd": rows % 41}
    view = a_view(Points.needs, n, **shown)
    answer = decide(Points(), "scoring", view, a_context())
    for row in (0, 8_191, 8_192, 20_000, n - 1):
        alone = ask("scoring", "points", **{name: values[row] for name, values in shown.items()})
        assert alone.values[0] == answer.values[row]
        assert answer.reasons is not None
        assert alone.reasons is not None
        assert np.array_equal(alone.reasons[0], answer.reasons[row])


def test_rules_knock_out_and_name_the_broken_ones_in_order() -> None:
    answer = ask("scoring", "rules", **SPOTLESS)
    assert answer.values[0] == 0.95
    assert reasons_of(answer, Rules) == [[]]
    broken = SPOTLESS | {"tenure_days": 179, "reviews": 0.5, "worst_dpd": 31, "buyer_concentration": 1.0}
    answer = ask("scoring", "rules", **broken)
    assert answer.values[0] == 0.2
    assert reasons_of(answer, Rules) == [["was late with us", "young shop", "poor reviews"]]


@pytest.mark.parametrize(
    ("column", "passes", "fails"),
    [
        ("tenure_days", 180, 179),
        ("worst_dpd", 30, 31),
        ("bureau_worst_dpd", 30, 31),
        ("return_rate", 0.2, 0.21),
        ("reviews", 0.8, 0.79),
        ("buyer_concentration", 0.6, 0.61),
        ("sales_mean_30d", 100 * YUAN, 99 * YUAN),
    ],
)
def test_each_rule_has_its_edge(column: str, passes: float, fails: float) -> None:
    assert ask("scoring", "rules", **SPOTLESS | {column: passes}).values[0] == 0.95
    assert ask("scoring", "rules", **SPOTLESS | {column: fails}).values[0] == 0.2
