"""The command ``lendsim moments``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim
from sim.app.cli import app

SCENARIO = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
ROWS = "who,date,orders\na,2012-01-02,3\na,2012-01-03,1\nb,2012-01-02,2\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "orders.csv").write_text(ROWS)
    return str(tmp_path / "orders.csv")


def test_it_prints_a_table_and_says_what_is_not_there(file: str) -> None:
    shown = CliRunner().invoke(app, ["moments", file, "--column", "merchant=who", "--value", "20"])
    assert shown.exit_code == 0, shown.stderr
    assert "size_mean_daily_payments" in shown.stdout
    assert "not in this input: purchase_to_delivery_days" in shown.stdout
    assert "no times at which orders were placed and confirmed" in " ".join(shown.stdout.split())


def test_its_json_has_the_names_and_the_reasons(file: str) -> None:
    shown = CliRunner().invoke(app, ["moments", file, "--column", "merchant=who", "--json"])
    told = json.loads(shown.stdout)
    assert set(told) == {"summary", "about_run"}
    assert (told["summary"]["shops"], told["summary"]["payments"]) == (2, 6)
    assert told["summary"]["purchase_to_delivery_days"] is None
    assert (
        told["about_run"]["not_in_this_input"]["size_last_12_weeks_daily_value"] == "no value of an order by merchant"
    )


def test_what_it_refuses(file: str, tmp_path: Path) -> None:
    for words, said in (
        (["nowhere"], "nowhere: no such run or file"),
        ([file], "orders.csv:1:1: merchant: no such column"),
        ([file, "--column", "shop=who"], "--column shop=who: write NAME=COLUMN; names are merchant, date"),
        ([str(tmp_path)], "manifest"),
    ):
        shown = CliRunner().invoke(app, ["moments", *words])
        assert (shown.exit_code, shown.stdout) == (2, ""), words
        assert said in shown.stderr


def test_a_run(tmp_path: Path) -> None:
    plan = {"merchants.number": 100, "calendar.days": 40}
    sim.simulate(sim.load(SCENARIO, plan), seed=1, threads=1, out=tmp_path / "run")
    told = json.loads(CliRunner().invoke(app, ["moments", str(tmp_path / "run"), "--merchants", "50", "--json"]).stdout)
    assert 0 < told["summary"]["shops"] <= 50
    assert "of 50 looked at, of 100 in the run" in told["about_run"]["notes"][0]
