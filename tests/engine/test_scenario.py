"""Scenarios: layers of values, scale, dates, and what may and may not be named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sample_scenarios import BASE, refused, write

from sim.core.money import Rate
from sim.engine import scenario as scenario_module
from sim.engine.scenario import load
from sim.errors import ScenarioError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `scenarios` with a base."""
    write(tmp_path / "scenarios", "base", BASE)
    return tmp_path / "scenarios"


def test_values_have_their_types(folder: Path):
    scenario = load(folder / "base.yaml")
    ali = scenario.lenders["ali"]
    assert ali.equity == 160_000_000_000
    assert ali.bank_debt.cap == 0.5
    assert ali.products.order_loan is not None
    assert ali.products.order_loan.rate == Rate(182_500, 365)
    assert [name for name, _ in ali.products.offered()] == ["order_loan", "revolving_line"]
    assert (ali.limit.policy, ali.limit.parameters) == ("sales_multiple", {"multiple": 1.5})
    assert (scenario.calendar.start, scenario.calendar.last) == (date(2012, 1, 1), date(2012, 6, 30))
    assert (scenario.calendar.reported_from, scenario.calendar.reported_to) == (date(2012, 3, 1), date(2012, 6, 30))
    assert scenario.events["spring"].last == date(2012, 3, 10)
    assert scenario.merchants.trade.lead == 9


def test_mappings_merge_and_everything_else_replaces(folder: Path):
    text = "extends: base\nmerchants: {trade: {margin: 0.4}}\nlenders: {ali: {eligibility: {platforms: [b2b]}}}\n"
    scenario = load(write(folder, "child", text))
    assert (scenario.merchants.trade.margin, scenario.merchants.trade.lead) == (0.4, 9)
    assert scenario.merchants.number == 20_000
    assert scenario.lenders["ali"].eligibility.platforms == ("b2b",)
    assert scenario.lenders["ali"].equity == 160_000_000_000


def test_braces_empty_a_mapping_and_null_removes_a_key(folder: Path):
    assert load(write(folder, "no_credit", "extends: base\nlenders: {}\n")).lenders == {}
    removed = load(write(folder, "removed", "extends: base\nevents: {spring: null}\nlenders:\n  ali:\n    limit:\n"))
    assert list(removed.events) == ["double_eleven"]
    assert removed.lenders["ali"].limit.parameters == {}
    assert load(write(folder, "bare", "extends: base\n")).model == load(folder / "base.yaml").model
    assert "unknown key" in refused(write(folder, "typo", "extends: base\nevnts: null\n"))
    change = "lenders: {ali: {changes: {a: {date: 2012-02-01, set: {bureau: full, joint_cap: 9 yuan}}}}}"
    write(folder, "changing", f"extends: base\nevnts: 3\n{change}\n")
    text = "extends: changing\nevnts: null\nlenders: {ali: {changes: {a: {set: {bureau: null}}}}}\n"
    assert load(write(folder, "mended", text)).lenders["ali"].changes["a"].set == {"joint_cap": "9 yuan"}


def test_a_later_end_takes_the_place_of_days_and_the_reverse(folder: Path):
    child = write(folder, "child", "extends: base\ncalendar: {end: 2012-03-31}\n")
    assert load(child).calendar.n_days == 91
    assert load(child, ["calendar.days=100"]).calendar.last == date(2012, 4, 9)


def test_extends_goes_up_and_down_its_tree_and_never_out(folder: Path):
    write(folder, "stories/base", "extends: base\nscale: 0.5\n")  # the one above it, not itself
    deep = write(folder, "stories/late/tale", "extends: stories/base.yaml\nmerchants: {number: 7}\n")
    scenario = load(deep)
    assert (scenario.merchants.number, scenario.scale, scenario.calendar.n_days) == (7, 0.5, 182)
    assert load(write(folder, "stories/up", "extends: ../base\n")).scale == 1.0

    outside = write(folder.parent, "secret", "scale: 2\n")
    for name in ("../secret", str(outside), "stories/../../secret"):
        said = refused(write(folder, "escape", f"extends: {name}\n"))
        assert said.startswith("escape.yaml:1:10: extends: ")
        assert "inside scenarios/" in said
    (folder / "link.yaml").symlink_to(outside)
    assert "leaves the scenario's folder tree" in refused(write(folder, "escape", "extends: link\n"))
    (folder / "linked").symlink_to(folder.parent)
    assert "leaves the scenario's folder tree" in refused(write(folder, "escape", "extends: linked/secret\n"))


def test_without_a_folder_of_scenarios_the_tree_is_the_files_own_folder(tmp_path: Path):
    write(tmp_path, "base", "scale: 2\n")
    assert load(write(tmp_path, "child", "extends: base\n")).scale == 2.0
    assert "leaves" in refused(write(tmp_path, "below/child", "extends: ../base\n"))


def test_circles_and_missing_bases_are_refused(folder: Path):
    write(folder, "a", "extends: b\n")
    write(folder, "b", "extends: a\n")
    assert refused(folder / "a.yaml").startswith('b.yaml:1:10: extends: "a" extends itself')
    assert "extends itself" in refused(write(folder, "own", "extends: own\n"))
    said = refused(write(folder, "lost", "scal: 3\nlenders: {ali: {scoring: {cutoff: 0.7}}}\nextends: bse\n"))
    lines = said.split("\n")
    assert lines[0].startswith("lost.yaml:1:1: scal: unknown key")
    assert lines[1].startswith("lost.yaml:3:10: extends: there is no scenario")
    assert lines[1].endswith("did you mean base?")
    assert len(lines) == 2  # what may stand in the base is not called missing


def test_overrides_come_last_in_order_on_the_scale_of_the_file(folder: Path):
    overrides = [
        "lenders.ali.products.order_loan.rate=0.06 %/day",
        "lenders.ali.scoring={cutoff: 0.7}",
        "merchants.number=10",
        "merchants.number=1e3",
        "events={}",
        "events.x={date: 2012-02-01, kind: outage}",
    ]
    scenario = load(folder / "base.yaml", overrides, scale=0.1)
    order_loan = scenario.lenders["ali"].products.order_loan
    assert order_loan is not None
    assert order_loan.rate == Rate(219_000, 365)
    assert order_loan.advance == 0.9
    assert (scenario.lenders["ali"].scoring.policy, scenario.lenders["ali"].scoring.cutoff) == ("points", 0.7)
    assert (scenario.merchants.number, scenario.n_merchants) == (1000, 100)
    assert list(scenario.events) == ["x"]
    as_mapping = load(folder / "base.yaml", {"lenders.ali.scoring.cutoff": 0.7, "events": {}})
    assert (as_mapping.lenders["ali"].scoring.cutoff, as_mapping.events) == (0.7, {})
    assert load(folder / "base.yaml", "lenders.ali=null").lenders == {}


def test_scale_multiplies_merchants_and_money_stocks_and_nothing_else(folder: Path):
    scenario = load(folder / "base.yaml", scale=0.05)
    file, scaled = scenario.lenders["ali"], scenario.scaled_lenders["ali"]
    assert (scenario.merchants.number, scenario.n_merchants) == (20_000, 1_000)
    assert (file.equity, scaled.equity) == (160_000_000_000, 8_000_000_000)
    assert (file.costs.fixed_per_day, scaled.costs.fixed_per_day) == (100_000, 5_000)
    put_back = scaled.model_copy(update={"equity": file.equity, "costs": file.costs})
    assert put_back == file
    assert scaled.costs.model_copy(update={"fixed_per_day": 100_000}) == file.costs
    assert load(folder / "base.yaml", ["merchants.number=5"], scale=0.1).n_merchants == 1  # a half rounds up
    assert load(folder / "base.yaml", ["merchants.number=1"], scale=0.1).n_merchants == 1


def test_presets_lie_below_the_files_values(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    presets = tmp_path / "presets"
    write(presets, "taobao_2012", "number: 5\ntrade: {margin: 0.21, lead: 20 days}\ncash: {reserve: 7 days}\n")
    write(presets, "broken", "trade: {margn: 0.21}\n")
    monkeypatch.setattr(scenario_module, "PRESETS", presets)
    path = write(folder, "child", "extends: base\nmerchants: {preset: taobao_2012, trade: {lead: null}}\n")
    scenario = load(path)
    trade = scenario.merchants.trade
    assert (scenario.merchants.number, trade.margin, trade.lead) == (20_000, 0.3, 8)  # null: back to the default
    assert scenario.merchants.cash.reserve == 7
    assert scenario.provenance["merchants.cash.reserve"] == "preset taobao_2012"
    assert "preset" not in scenario.resolved["merchants"]
    assert load(path, ["merchants={}"]).merchants.cash.reserve == 5
    said = refused(path, "merchants.preset=taobao_2021")
    assert said.startswith("--set:1:1: merchants.preset: there is no preset")
    assert said.endswith("allowed: broken, taobao_2012; did you mean taobao_2012?")
    assert refused(path, "merchants.preset=broken").startswith("preset broken:1:9: merchants.trade.margn: unknown key")
    assert "is not a name" in refused(path, "merchants.preset=../broken")


def test_one_category_can_be_changed_alone(folder: Path):
    categories = load(folder / "base.yaml", ["merchants.categories.food.share=0.4"]).merchants.categories
    assert (categories["food"].share, categories["food"].decay) == (0.4, 2.0)
    assert list(categories)[:2] == ["clothing", "electronics"]


def test_an_event_outside_the_calendar_is_legal_and_listed(folder: Path):
    assert load(folder / "base.yaml").notes == (
        "event double_eleven on 2012-11-11 lies outside the calendar and has no effect",
    )
    assert (
        load(folder / "base.yaml", ["events.spring={date: 2011-12-31, days: 2}"]).notes
        == load(folder / "base.yaml").notes
    )  # it lasts into the calendar
    notes = load(folder / "base.yaml", ["lenders.ali.products={}"]).notes
    assert "lender ali offers no product and will not lend" in notes


def test_an_event_may_strike_a_lender_of_the_scenario(folder: Path):
    freeze = "events.freeze={date: 2012-02-01, kind: funding_freeze, days: 30, lender: ali}"
    load(folder / "base.yaml", [freeze])
    load(folder / "base.yaml", [freeze, "lenders={}"])
    assert "did you mean ali?" in refused(folder / "base.yaml", freeze.replace("ali", "alli"))


def test_changes_of_a_lender_add_up_by_date(folder: Path):
    text = """\
extends: base
lenders:
  ali:
    changes:
      refund: {date: 2012-05-01, set: {interest_refund_days: 3, scoring: {cutoff: 0.5}}}
      members: {date: 2012-04-01, set: {eligibility.min_tenure: 30 days, limit.multiple: null, equity: 2 bn yuan}}
"""
    versions = load(write(folder, "child", text), scale=0.5).lender_versions("ali")
    assert [day for day, _ in versions] == [None, date(2012, 4, 1), date(2012, 5, 1)]
    start, members, refund = (lender for _, lender in versions)
    assert [one.eligibility.min_tenure for one in (start, members, refund)] == [180, 30, 30]
    assert [one.interest_refund_days for one in (start, members, refund)] == [0, 0, 3]
    assert [one.scoring.cutoff for one in (start, members, refund)] == [0.6, 0.6, 0.5]
    assert (start.limit.parameters, members.limit.parameters) == ({"multiple": 1.5}, {})
    assert [one.equity for one in (start, members)] == [80_000_000_000, 100_000_000_000]


def test_an_own_policy_is_found_beside_the_scenario(folder: Path):
    (folder / "careful.py").write_text(
        "class Careful:\n    needs = ('tenure_days',)\n\n    def __init__(self, floor: float = 0.5):\n"
        "        self.floor = floor\n\n    def __call__(self, view, context):\n"
        "        return view['tenure_days'] * 0.0\n"
    )
    path = write(folder, "own", "extends: base\nlenders: {ali: {scoring: {policy: careful:Careful, floor: 0.7}}}\n")
    scenario = load(path)
    assert scenario.folder == folder.resolve()
    assert scenario.lenders["ali"].scoring.parameters == {"floor": 0.7}
    elsewhere = write(folder.parent / "run", "scenario", scenario.dump())
    assert load(elsewhere, folder=scenario.folder).hash == scenario.hash


def test_missing_and_empty_files_and_folders_are_refused(folder: Path):
    assert refused(folder / "none.yaml") == "none.yaml:1:1: there is no such file"
    assert refused(write(folder, "empty", "")).startswith("empty.yaml:1:1: is empty")
    with pytest.raises(ScenarioError, match="1:1: is a directory"):
        load(folder)
