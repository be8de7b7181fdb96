"""The presets load, run, and differ; where the data are, they are held against them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.engine.market import Market
from sim.engine.scenario import PRESETS, load
from sim.study.fit.judged import Judged
from sim.study.moments.live import sold_by_day
from sim.study.moments.shop_days import ShopDays

ROOT = Path(__file__).parents[2]
BASE, DATA = ROOT / "scenarios" / "base.yaml", ROOT.parent / "shared" / "data"
NAMES = ("marketplace_small", "offline_shops", "taobao_2012")
WITH_DATA = pytest.mark.skipif(
    not (DATA / "koubei_shop_day.parquet").exists() or not (DATA / "olist_seller_quarter.parquet").exists(),
    reason=f"real merchants are not at {DATA}",
)


def experiment(name: str) -> ModuleType:
    """A script of ``experiments/``, as the others there import it."""
    folder = str(ROOT / "experiments")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def preset(name: str, **more: Any) -> Any:
    return load(BASE, {"merchants.preset": name, **more})


def sold(name: str) -> ShopDays:
    """What 300 merchants of a preset sell in 120 days without a lender."""
    market = Market(preset(name, **{"merchants.number": 300, "calendar.days": 120, "lenders": {}}), rng=5)
    found = sold_by_day(market, np.arange(300)).of_sellers()
    market.dispose()
    return found


def test_these_presets_are_there() -> None:
    assert sorted(path.stem for path in PRESETS.glob("*.yaml")) == list(NAMES)


def test_the_reference_is_the_defaults() -> None:
    plain = load(BASE).resolved["merchants"]
    assert preset("taobao_2012").resolved["merchants"] == plain


@pytest.mark.parametrize("name", ["offline_shops", "marketplace_small"])
def test_a_preset_says_where_every_value_comes_from(name: str) -> None:
    scenario = preset(name)
    assert scenario.provenance["merchants.size.sigma"] == f"preset {name}"
    assert scenario.provenance["merchants.season.monday"] == f"preset {name}"
    assert list(scenario.merchants.categories) == ["all"]
    lines = (PRESETS / f"{name}.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        key, _, value = line.strip().partition(":")
        if line.startswith("  ") and not key.startswith("#") and value.strip() and value.strip() != "null":
            said = "#" in line or lines[number - 1].strip().startswith("#") or key == "share"
            assert said, f"{name}: {line}"
    assert "licen" in lines[1] + lines[2] or "CC BY" in "".join(lines[:6]) or "research only" in "".join(lines[:6])


def test_what_a_file_says_lies_above_its_preset() -> None:
    assert preset("offline_shops", **{"merchants.season.monday": 1.5}).merchants.season.monday == 1.5


def test_the_presets_run_and_differ() -> None:
    """Shops that people visit sell daily, most at the weekend; those of a small marketplace once in many days."""
    worlds = {name: sold(name) for name in NAMES}
    middle = {name: float(np.median(days.mean_orders())) for name, days in worlds.items()}
    assert middle["marketplace_small"] < 0.5 < middle["taobao_2012"] < 20.0 < middle["offline_shops"]
    share = {}
    for name, days in worlds.items():
        by_day = np.array([days.orders[days.weekday == k].sum(1).mean() for k in range(7)])
        share[name] = float(by_day[5:].sum() / by_day.sum())
    assert share["offline_shops"] > 2 / 7 + 0.01 > 2 / 7 - 0.005 > share["taobao_2012"] > share["marketplace_small"]


def test_a_lender_lends_to_each_of_them() -> None:
    for name in NAMES:
        market = Market(preset(name, **{"merchants.number": 200, "calendar.days": 40}), rng=2)
        market.run_days(40)
        market.dispose()


def test_figures_are_laid_flat_and_counts_left_out() -> None:
    data = experiment("preset_data")
    by_quarter = {"new_sellers_by_quarter": {"x": 1, "y": 3}}
    found = data.flat({"a": {"n": 5, "mean": 2}, "b": [1, None, 3], "c": None} | by_quarter)
    assert found == {
        "a/mean": 2.0, "b/1": 1.0, "b/3": 3.0, "new_sellers_by_quarter/x": 0.25, "new_sellers_by_quarter/y": 0.75
    }  # fmt: skip


def test_a_moment_that_no_market_has_is_missed() -> None:
    presets = experiment("presets")
    rows = presets.rows_of({"a/x": 1.0, "b": 2.0, "c": 1.0}, [{"a/x": 1.1}, {"a/x": 1.3, "c": 5.0}], {"a/x": 0.11})
    assert [row.is_met for row in rows] == [True, False, False]
    assert rows[0] == Judged("a/x", "a", 1.0, pytest.approx(1.2), 0.11)
    assert presets.Verdict("mine", rows).share == pytest.approx(1 / 3)


def test_the_section_names_every_miss() -> None:
    page, presets = experiment("presets_page"), experiment("presets")
    rows = presets.rows_of({"size/mean": 1.0, "size/sd": 1.0, "events/may/p10": 2.0}, [{"size/mean": 1.0}], {})
    text = "\n".join(page.section([presets.Verdict("offline_shops", rows)]))
    assert "| `offline_shops` | 1 of 3 | 33% |" in text
    assert "| `size` | 1 of 2 | sd | 1 | none |" in text
    assert "| `events/may` | 1 of 1 | p10 | 2 | none |" in text


@WITH_DATA
@pytest.mark.slow
def test_some_offline_shops_are_met_by_their_preset() -> None:
    from sim.study.fit.resample import resamples

    some = next(resamples(966, 1, 3))[:300]
    assert experiment("presets").offline(markets=1, resamples=8, who=np.unique(some)).share >= SHARES["offline_shops"]


@WITH_DATA
@pytest.mark.slow
def test_sellers_of_a_small_marketplace_are_met_by_their_preset() -> None:
    assert experiment("presets").marketplace(markets=1, resamples=8).share >= SHARES["marketplace_small"]


SHARES = {"offline_shops": 0.7, "marketplace_small": 0.7}
"""Share of the moments that a preset meets at least, with one market and few resamples; the page has what it is."""
