"""One merchant's story: told from what the run keeps and from its days lived again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from sim.app.cli import app
from sim.errors import StoreError
from sim.results.run import Run
from sim.study.explain import SAYS, Story, beside, explain

SCENARIO = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
PLAN: dict[str, Any] = {
    "merchants.number": 600,
    "calendar.days": 150,
    "merchants.borrowing.habit_mean": 0.2,
    "merchants.character.opportunists": 0.4,
    "merchants.repayment": {"shop_value": "5 days", "sanction": "0 yuan"},
    "lenders.ali.scoring.cutoff": 0.3,
    "lenders.ali.products.revolving_line.term": "20 days",
    "events": {"slump": {"date": "2012-02-01", "kind": "recession", "size": 0.6, "days": 60}},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("stories")
    arms = {"none": {}, "fast": {"lenders.ali.negotiation.policy": "fast"}}
    return {
        name: sim.simulate(sim.load(SCENARIO, PLAN | own), seed=3, threads=1, out=folder / name)
        for name, own in arms.items()
    }


@pytest.fixture(scope="module")
def borrower(runs: dict[str, Run]) -> int:
    """One that was given new terms under the second strategy."""
    actions = runs["fast"].frame("actions")
    return int(actions.query("action == 're_amortisation'")["merchant_id"].iloc[0])


@pytest.fixture(scope="module")
def stories(runs: dict[str, Run], borrower: int) -> dict[str, Story]:
    return {name: explain(run, borrower) for name, run in runs.items()}


def test_it_tells_every_loan_application_and_action(
    runs: dict[str, Run], borrower: int, stories: dict[str, Story]
) -> None:
    for name, run in runs.items():
        told = stories[name].events
        kinds = [one.kind for one in told]
        assert kinds.count("asks") == (run.applications["merchant_id"] == borrower).sum()
        assert kinds.count("lent") == (run.loans["merchant_id"] == borrower).sum()
        messages = [one for one in told if one.kind == "does" and "remind" in one.text]
        assert kinds.count("does") - len(messages) == (run.frame("actions")["merchant_id"] == borrower).sum()
        assert messages
        assert [one.date for one in told] == sorted(one.date for one in told)
    assert any("agrees to instalments" in one.text for one in stories["fast"].events)


def test_its_months_add_up_to_what_it_sold(runs: dict[str, Run], borrower: int, stories: dict[str, Story]) -> None:
    months = [one.text for one in stories["none"].events if one.kind == "month"]
    sold = sum(round(float(text.split("sells ")[1].split(" yuan")[0].replace(",", "")) * 100) for text in months)
    shop = runs["none"].merchants.set_index("merchant_id").loc[borrower]
    assert sold == shop["sales_fen"]


def test_a_refusal_says_why(runs: dict[str, Run]) -> None:
    asked = runs["none"].applications
    refused = asked[asked["decision"] == "declined"].iloc[0]
    told = explain(runs["none"], int(refused["merchant_id"]))
    assert any(refused["reason_1"] in one.text and "declined" in one.text for one in told.events)


def test_side_by_side_every_day_has_one_row(stories: dict[str, Story]) -> None:
    rows = beside(list(stories.values()))
    days = [day for day, _ in rows]
    assert days == sorted(set(days))
    assert all(any(texts) for _, texts in rows)


def test_every_action_of_a_run_has_its_words(runs: dict[str, Run]) -> None:
    for run in runs.values():
        assert set(run.frame("actions")["action"]) <= set(SAYS)


def test_a_run_of_another_program_is_not_explained(runs: dict[str, Run], borrower: int) -> None:
    run = runs["none"]
    table = run.table("merchants").to_pandas()
    table.loc[table["merchant_id"] == borrower, "sales_fen"] += 1
    sources = {**run.sources, "merchants": _arrow(table)}
    other = Run(run.manifest, run.path, run.scenario_yaml, sources)
    with pytest.raises(StoreError, match="another version"):
        explain(other, borrower)


def _arrow(frame: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def test_the_command_tells_it_to_people_and_machines(runs: dict[str, Run], borrower: int, tmp_path: Path) -> None:
    one, other = str(runs["none"].path), str(runs["fast"].path)
    words = ["explain", one, "--merchant", str(borrower), "--against", other]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "hidden" in shown.stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert told["merchant"] == borrower
    assert {row["run"] for row in told["rows"]} == {one, other}
    lost = CliRunner().invoke(app, ["explain", one, "--merchant", "601"])
    assert (lost.exit_code, lost.stdout) == (2, "")
    assert "no merchant 601; ids run from 1 to 600" in lost.stderr
    sim.simulate(sim.load(SCENARIO, PLAN), seed=4, threads=1, out=tmp_path / "other")
    strange = CliRunner().invoke(app, ["explain", one, "--merchant", "1", "--against", str(tmp_path / "other")])
    assert strange.exit_code == 2
    assert "not of the same world" in strange.stderr
