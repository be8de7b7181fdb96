"""Resolved scenarios: where each value came from, what loads again the same, hashes, and the JSON Schema."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from sample_scenarios import BASE, refused, write

from sim.engine.scenario import Scenario, json_schema, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `scenarios` with a base."""
    write(tmp_path / "scenarios", "base", BASE)
    return tmp_path / "scenarios"


def test_every_leaf_knows_where_it_came_from(folder: Path):
    path = write(folder, "stories/child", "extends: base\n\ncalendar:\n  end: 2012-03-31\n")
    provenance = load(path, ["lenders.ali.scoring.cutoff=0.7"], scale=0.1).provenance
    assert provenance["calendar.end"] == "stories/child.yaml:4"
    assert provenance["merchants.number"] == "base.yaml:6"
    assert provenance["lenders.ali.limit.multiple"] == "base.yaml:19"
    assert provenance["lenders.ali.eligibility.platforms"] == "base.yaml:21"
    assert provenance["lenders.ali.scoring.cutoff"] == "--set"
    assert provenance["scale"] == "--scale"
    assert provenance["lenders.ali.joint_cap"] == provenance["merchants.categories.food.q1"] == "default"


def test_what_is_dumped_loads_again_with_equal_hash_and_model(folder: Path):
    scenario = load(
        folder / "base.yaml",
        [
            "lenders.ali.changes.members={date: 2012-05-01, set: {eligibility.min_tenure: 30 days, bureau: null}}",
            "about.title='Wörter — 万, \"quoted\" # no comment'",
            "about.source='1e5'",
            "merchants.size.sigma=1e-1",
        ],
        scale=0.05,
    )
    text = scenario.dump()
    again = load(write(folder, "resolved", text))
    assert again.model.model_dump(exclude={"merchants": {"preset"}}) == scenario.model.model_dump(
        exclude={"merchants": {"preset"}}
    )
    assert again.hash == scenario.hash
    assert again.world_hash == scenario.world_hash
    assert "  number: 20000  # base.yaml:6\n" in text
    assert "scale: 0.05  # --scale\n" in text
    assert again.about.source == "1e5"
    assert again.resolved == scenario.resolved
    assert len(scenario.provenance) == text.count("  # ")


def test_hashes_tell_what_matters_apart(folder: Path):
    base = load(folder / "base.yaml")
    assert base.hash == load(folder / "base.yaml", ["about.title=Other"]).hash
    for override, is_same_world in [
        ("merchants.number=20001", False),
        ("calendar.days=183", False),
        ("scale=0.5", False),
        ("events.spring.lift=3", False),
        ("lenders.ali.scoring.cutoff=0.61", True),
        ("institutions.outside_money.take=0.2", True),
        ("lenders={}", True),
    ]:
        other = load(folder / "base.yaml", [override])
        assert other.hash != base.hash
        assert (other.world_hash == base.world_hash) is is_same_world
    assert load(folder / "base.yaml", ["scale=1"]).hash == base.hash
    assert len(base.hash) == 64


def test_orders_are_files_relative_to_who_names_them(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "orders.csv").write_text("merchant,date,orders\n")
    (tmp_path / "values.csv").write_text("merchant,value\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    text = "merchants: {orders: {file: ../orders.csv, merchant: shop, value: 25 yuan}}\n"
    path = write(folder, "replay", text)
    scenario = load(path)
    orders = scenario.merchants.orders
    assert orders is not None
    assert (orders.file, orders.merchant, orders.value.amount) == (str(tmp_path / "orders.csv"), "shop", 2500)
    value = "merchants.orders.value={file: ../values.csv, value: v}"
    by_shop = load(path, [value])
    assert by_shop.merchants.orders is not None
    assert by_shop.merchants.orders.value.file == str(tmp_path / "values.csv")
    for one in (scenario, by_shop):
        assert load(write(tmp_path, "elsewhere", one.dump())).hash == one.hash
    # The same data in another place is the same world; other data in the same place is not.
    (tmp_path / "copy.csv").write_text("merchant,date,orders\n")
    assert load(path, ["merchants.orders.file=../copy.csv"]).world_hash == scenario.world_hash
    (tmp_path / "orders.csv").write_text("merchant,date,orders\n1,2012-01-01,1\n")
    assert load(path).world_hash != scenario.world_hash
    said = refused(path, "merchants.orders.file=../scenarios/../nowhere.csv")
    assert said.startswith("--set:1:1: merchants.orders.file: the file ")


def test_a_scenario_can_be_sent_to_another_process(folder: Path):
    scenario = load(folder / "base.yaml")
    again: Scenario = pickle.loads(pickle.dumps(scenario))
    assert (again.model, again.hash, again.notes) == (scenario.model, scenario.hash, scenario.notes)


def test_the_json_schema_describes_every_leaf():
    schema = json_schema()
    leaves = 0
    for name, group in [("", schema), *schema["$defs"].items()]:
        for key, leaf in group.get("properties", {}).items():
            if "$ref" in str(leaf):
                continue  # a group, whose leaves come by themselves
            leaves += 1
            assert {"unit", "source"} <= leaf.keys(), (name, key)
            assert "default" in leaf or key in group.get("required", ()) or key == "extends", (name, key)
    assert leaves > 100
    rate = schema["$defs"]["OrderLoan"]["properties"]["rate"]
    assert (rate["default"], rate["low"], rate["unit"]) == ("0.05 %/day", "0 %/year", "%/day")


def test_loading_needs_no_heavy_library(folder: Path):
    code = f"""
import sys
from sim.engine.scenario import load
load({str(folder / "base.yaml")!r})
print(sorted({{"numba", "mesa", "pandas", "matplotlib", "pyarrow", "scipy"}} & set(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    "changes",
    [
        {"lenders.ali.collection.steps.close_shop": None},
        {"lenders.ali.collection.steps": {}},
        {"merchants.categories.food": None},
    ],
)
def test_what_is_taken_away_stays_away(changes: dict[str, object], tmp_path: Path) -> None:
    """An entry that is there by default and was removed does not come back with the resolved file."""
    plan = load(SCENARIOS / "tiny.yaml", changes)
    (tmp_path / "resolved.yaml").write_text(plan.dump())
    again = load(tmp_path / "resolved.yaml")
    assert again.hash == plan.hash
    assert again.lenders["ali"].collection.steps == plan.lenders["ali"].collection.steps
    assert list(again.merchants.categories) == list(plan.merchants.categories)
