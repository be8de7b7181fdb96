"""The command ``lendsim fit``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.app.cli import app
from sim.study.fit import judgement, run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in ((run, "FEWEST", 200), (run, "MOST", 200), (run, "SAMPLES", 20)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(judgement, "NOISES", 3)
    monkeypatch.setattr(judgement, "MARKETS", 1)


def write(path: Path, n_shops: int = 40, n_days: int = 90) -> Path:
    lines = ["shop,date,orders"]
    for shop in range(n_shops):
        for day in range(n_days):
            n = (shop * 7 + day * 3 + day // 7) % 5 + shop // 8
            lines.append(f"s{shop},{np.datetime64('2012-01-02') + day},{n}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_it_writes_a_scenario_that_passes_the_check_and_its_page(tmp_path: Path) -> None:
    orders, out = write(tmp_path / "orders.csv"), tmp_path / "mine.yaml"
    words = ["fit", str(orders), "--out", str(out), "--column", "merchant=shop", "--value", "25 yuan", "--json"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert set(told) == {
        "summary", "rows", "promotions", "setting_moments", "moments", "not_identified", "about_run"
    }  # fmt: skip
    assert (told["summary"]["n_merchants"], told["summary"]["n_days"]) == (40, 90)
    assert {row["parameter"] for row in told["rows"]} >= {"size.sigma", "demand.volatility", "trade.order_value"}
    assert "trade.margin, trade.fixed_cost_share" in told["not_identified"]
    checked = CliRunner().invoke(app, ["check", str(out)])
    assert checked.exit_code == 0, checked.stderr
    assert "well; 40 merchants, 90 days from 2012-01-02" in checked.stdout
    assert (tmp_path / "mine_fit.html").exists()
    assert (tmp_path / "base.yaml").exists()

    again = CliRunner().invoke(app, words)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "mine.yaml:1:1: --out: is already there; nothing was written" in again.stderr


def test_what_it_refuses(tmp_path: Path) -> None:
    orders, out = str(write(tmp_path / "orders.csv", 1)), str(tmp_path / "mine.yaml")
    named = [orders, "--out", out, "--column", "merchant=shop"]
    for words, said in (
        (["nowhere.csv", "--out", out], "nowhere.csv: no such file"),
        ([orders, "--out", out, "--column", "date=day"], "orders.csv:1:1: date: no column 'day'"),
        ([*named, "--column", "shop=shop"], "--column shop=shop: write NAME=COLUMN; names are merchant, date"),
        ([*named, "--value", "much"], "--value much: "),
        ([*named, "--value", "-3"], "--value -3: "),
        ([*named, "--value", "none.csv"], "--value none.csv: no such file"),
        (named, "shop: 1 merchant with orders; at least 20 are needed"),
    ):
        shown = CliRunner().invoke(app, ["fit", *words])
        assert (shown.exit_code, shown.stdout) == (2, ""), words
        assert said in shown.stderr
    assert not Path(out).exists()
