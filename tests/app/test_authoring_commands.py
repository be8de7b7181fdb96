"""``lendsim check``, ``schema`` and ``new``: what they print, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import sim
from sim.app.cli import app

POLICY = """\
import numpy as np

class Steady:
    kind = "scoring"
    needs = ("tenure_days",)

    def __call__(self, view, context):
        return {answer}
"""


def lendsim(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_scenario_is_well(elsewhere: Path) -> None:
    made = lendsim("new", "scenario", "my_market")
    assert (made.exit_code, made.stdout) == (0, "my_market.yaml\n")
    assert made.stderr == "try it:  lendsim run my_market.yaml\n"
    done = lendsim("check", "my_market.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "my_market.yaml: well; 2,000 merchants, 180 days from 2012-01-01, lender ali\n"
    loaded = sim.load("my_market.yaml")
    assert loaded.about.title == "My market"
    assert set(dict(loaded.lenders["ali"].products.offered())) == {"order_loan", "revolving_line"}


def test_a_new_policy_keeps_every_promise(elsewhere: Path) -> None:
    made = lendsim("new", "policy", "cautious_one")
    assert (made.exit_code, made.stdout) == (0, "cautious_one.py\n")
    assert made.stderr == "try it:  lendsim check cautious_one:CautiousOne\n"
    done = lendsim("check", "cautious_one:CautiousOne")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "cautious_one:CautiousOne: well; it keeps every promise\n"


@pytest.mark.parametrize("kind", ["scenario", "policy"])
def test_nothing_is_overwritten(elsewhere: Path, kind: str) -> None:
    assert lendsim("new", kind, "mine").exit_code == 0
    path = next(elsewhere.glob("mine.*"))
    path.write_text("precious")
    done = lendsim("new", kind, "mine")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"{path.name} is already there; nothing was written\n"
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["Bad-Name", "../up", "class", "9lives"])
def test_names_that_are_no_names(elsewhere: Path, name: str) -> None:
    done = lendsim("new", "scenario", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot name a scenario; write it like cautious_newcomer" in done.stderr
    assert list(elsewhere.iterdir()) == []


def test_a_checked_scenario_lists_what_is_legal_but_worth_knowing(elsewhere: Path) -> None:
    Path("a.yaml").write_text(
        "calendar: {start: 2012-01-01, days: 90, report_from: 2012-02-01}\nmerchants: {number: 1}\n"
        "events: {fest: {date: 2012-11-11, kind: promotion, lift: 3}}\n"
    )
    done = lendsim("check", "a.yaml")
    assert done.exit_code == 0
    first, note = done.stdout.splitlines()
    assert first == ("a.yaml: well; 1 merchant, 90 days from 2012-01-01 (reported 2012-02-01 to 2012-03-30), no lender")
    assert note.startswith("note: event fest on 2012-11-11 lies outside the calendar")
    found = json.loads(lendsim("check", "a.yaml", "--json").stdout)
    assert found["summary"]["passed"] is True
    assert len(found["summary"]["notes"]) == 1


def test_a_refused_scenario_as_text_and_as_json(elsewhere: Path) -> None:
    Path("a.yaml").write_text("merchants: {number: -1}\nlander: {}\n")
    done = lendsim("check", "a.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["a.yaml:1:21", "a.yaml:2:1"]
    found = lendsim("check", "a.yaml", "--json")
    assert (found.exit_code, found.stderr) == (2, "")
    content = json.loads(found.stdout)
    assert content["summary"] == {"passed": False, "n_issues": 2}
    assert [(row["line"], row["column"], row["field"]) for row in content["rows"]] == [
        (1, 21, "merchants.number"),
        (2, 1, "lander"),
    ]


def test_set_and_scale_are_laid_over(elsewhere: Path) -> None:
    Path("a.yaml").write_text("merchants: {number: 1000}\n")
    assert "500 merchants, 9 days" in lendsim("check", "a.yaml", "--scale", "0.5", "--set", "calendar.days=9").stdout


def test_a_policy_that_breaks_a_promise(elsewhere: Path) -> None:
    Path("steady.py").write_text(POLICY.format(answer="np.full(view.n, 2.0)"))
    done = lendsim("check", "steady:Steady")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("steady:Steady: ")
    assert "Traceback" not in done.stderr
    found = lendsim("check", "steady:Steady", "--json")
    assert found.exit_code == 1
    rows = json.loads(found.stdout)["rows"]
    assert set(rows[0]) == {"check", "problem", "mend"}


@pytest.mark.parametrize("target", ["steady:Steddy", "nowhere:Policy", "steady:", ":Steady"])
def test_a_policy_that_is_not_there(elsewhere: Path, target: str) -> None:
    Path("steady.py").write_text(POLICY.format(answer="np.full(view.n, 0.5)"))
    done = lendsim("check", target)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(target)
    assert len(done.stderr.splitlines()) == 1
    found = lendsim("check", target, "--json")
    assert found.exit_code == 2
    assert json.loads(found.stdout)["summary"]["passed"] is False


def test_set_is_not_for_policies(elsewhere: Path) -> None:
    done = lendsim("check", "steady:Steady", "--set", "a=1")
    assert (done.exit_code, done.stderr) == (2, "--set and --scale are for scenarios\n")


def test_the_schema_is_json_with_units(elsewhere: Path) -> None:
    done = lendsim("schema")
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert {"extends", "merchants", "lenders"} <= set(content["properties"])
    assert '"unit"' in done.stdout
