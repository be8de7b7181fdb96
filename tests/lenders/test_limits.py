"""Limits from trusted sales, and by tiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sample_views import YUAN, ask

from sim.lenders.policies.limits import SalesMultiple, Tiers

# 1,000 yuan a day in either window, out of season; a clean newcomer in the tier with factor 1.
SHOP: dict[str, Any] = {
    "score": 0.9,
    "sales_mean_30d": 1_000 * YUAN,
    "sales_mean_90d": 1_000 * YUAN,
    "season_index": 1.0,
    "season_index_90d": 1.0,
    "n_repaid": 0,
    "worst_dpd": 0,
    "dpd": 0,
}


def limit(policy: str = "sales_multiple", given: dict[str, Any] | None = None, **changed: Any) -> tuple[float, str]:
    """Give the limit in yuan, and the reason."""
    answer = ask("limit", policy, given=given, **SHOP | changed)
    assert answer.reasons is not None
    names = {"sales_multiple": SalesMultiple, "tiers": Tiers}[policy].reasons
    reason = int(answer.reasons[0, 0])
    return answer.values[0] / YUAN, names[reason] if reason >= 0 else ""


def test_a_multiple_of_trusted_monthly_sales() -> None:
    assert limit() == (45_000, "low score")  # 1.5 x 30 x 1,000
    assert limit(given={"multiple": 0.5})[0] == 15_000
    assert limit(score=0.95) == (58_500, "")  # the best tier has a factor of 1.3


@pytest.mark.parametrize(
    ("score", "factor"), [(0.0, 0.4), (0.69, 0.4), (0.7, 0.7), (0.85, 1.0), (0.95, 1.3), (1.0, 1.3)]
)
def test_the_tier_of_the_score(score: float, factor: float) -> None:
    assert limit(score=score)[0] == pytest.approx(45_000 * factor, abs=100)


def test_a_score_below_every_tier_gets_nothing() -> None:
    assert limit(given={"score_from": [0.5], "factor": [1.0]}, score=0.49) == (0, "below the smallest limit")


def test_the_lower_of_the_two_windows_counts() -> None:
    assert limit(sales_mean_30d=500 * YUAN)[0] == 22_500
    assert limit(sales_mean_90d=500 * YUAN)[0] == 22_500
    assert limit(sales_mean_30d=9_000 * YUAN)[0] == 45_000


def test_a_season_is_no_reason_to_lend_more() -> None:
    peak = {
        "sales_mean_30d": 2_000 * YUAN,
        "season_index": 2.0,
        "sales_mean_90d": 1_500 * YUAN,
        "season_index_90d": 1.5,
    }
    assert limit(**peak) == limit()


def test_clean_repayment_opens_the_line_up_to_a_point() -> None:
    base = limit(given={"progressive": 0.1})[0]
    assert limit(given={"progressive": 0.1}, n_repaid=1)[0] == pytest.approx(base * 1.1, abs=100)
    assert limit(given={"progressive": 0.1}, n_repaid=10)[0] == pytest.approx(base * 1.1**10, abs=100)
    assert limit(given={"progressive": 0.1}, n_repaid=500) == limit(given={"progressive": 0.1}, n_repaid=10)
    assert limit(given={"progressive": 0.1, "progressive_steps": 0}, n_repaid=9)[0] == base


def test_lateness_cuts_and_current_lateness_stops() -> None:
    assert limit(worst_dpd=7) == limit()
    assert limit(worst_dpd=8) == (22_500, "was late with us")
    assert limit(worst_dpd=8, given={"late_cut": 0.2})[0] == 36_000
    assert limit(worst_dpd=8, dpd=7) == (22_500, "was late with us")
    assert limit(worst_dpd=8, dpd=8) == (0, "is late now")


def test_cap_minimum_and_whole_hundreds() -> None:
    assert limit(given={"cap": "20,000 yuan"}) == (20_000, "at the cap")
    assert limit(given={"cap": "20,050 yuan"})[0] == 20_000
    assert limit(given={"cap": "20,000 yuan"}, worst_dpd=8)[0] == 10_000  # the cut is of what would be given
    tiny = {"sales_mean_30d": 12 * YUAN, "sales_mean_90d": 12 * YUAN}  # 1.5 x 30 x 12 = 540 yuan
    assert limit(**tiny)[0] == 500
    assert limit(given={"minimum": "500.01 yuan"}, **tiny) == (0, "below the smallest limit")
    assert limit(sales_mean_30d=0) == (0, "below the smallest limit")


def test_every_limit_is_whole_hundreds_and_within_the_cap() -> None:
    n = 40_000
    sales = np.arange(n) * 977 % 100_003 * 31
    answer = ask("limit", "sales_multiple", n=n, **SHOP | {"sales_mean_30d": sales, "n_repaid": np.arange(n) % 13})
    assert np.all(answer.values % 10_000 == 0)
    assert 0 < answer.values.max() <= 1_000_000 * YUAN
    exact = 30 * np.minimum(sales, SHOP["sales_mean_90d"]) * 1.5 * 1.05 ** np.minimum(np.arange(n) % 13, 10)
    assert np.all(answer.values <= exact + 1)
    assert np.all((exact - answer.values < 10_000) | (answer.values == 0))


@pytest.mark.parametrize(
    ("changed", "amount", "reason"),
    [
        ({}, 10_000, "low sales"),  # 30,000 yuan a month reaches the second tier, 0.9 the third
        ({"score": 0.75}, 10_000, "low score"),
        ({"score": 0.69}, 2_000, "low score"),
        ({"score": 0.49}, 0, "low score"),
        ({"sales_mean_30d": 66 * YUAN}, 0, "low sales"),
        ({"sales_mean_30d": 67 * YUAN}, 2_000, "low sales"),
        ({"sales_mean_30d": 5_000 * YUAN, "sales_mean_90d": 5_000 * YUAN, "score": 0.95}, 200_000, "at the cap"),
        ({"worst_dpd": 8}, 2_000, "was late with us"),
        ({"worst_dpd": 8, "score": 0.5}, 0, "was late with us"),
        ({"worst_dpd": 8, "score": 0.1}, 0, "was late with us"),
        ({"dpd": 8}, 0, "is late now"),
    ],
)
def test_a_tier_needs_score_and_sales(changed: dict[str, Any], amount: float, reason: str) -> None:
    assert limit("tiers", **changed) == (amount, reason)
