"""``lendsim compare``, ``report`` and ``export`` on real runs of a very small market."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import sim
from sim.app.cli import app

LOOSE = """\
calendar: {start: 2012-03-01, days: 30}
merchants: {number: 150}
lenders:
  ali:
    equity: 1 m yuan
    products: {order_loan: {rate: 0.05 %/day, term: 30 days, advance: 0.9}}
    scoring: {policy: points, cutoff: 0.3}
"""


def lendsim(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(autouse=True)
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    module = ModuleType("sim.engine.estimate")
    module.estimate = lambda scenario: SimpleNamespace(memory_bytes=1e8, cpu_seconds=1.0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim.engine.estimate", module)
    (tmp_path / "loose.yaml").write_text(LOOSE)
    (tmp_path / "tight.yaml").write_text("extends: loose\nlenders: {ali: {scoring: {cutoff: 0.99}}}\n")
    (tmp_path / "no_credit.yaml").write_text("extends: loose\nlenders: {}\n")
    return tmp_path


def test_two_scenarios_in_the_same_worlds(market: Path) -> None:
    done = lendsim("compare", "loose.yaml", "tight.yaml", "no_credit.yaml", "--seeds", "3", "--workers", "1", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["summary"]["scenarios"] == ["loose", "tight", "no_credit"]
    assert found["summary"]["seeds"] == [1, 2, 3]
    rows = {(row["b"], row["measure"]): row for row in found["rows"]}
    assert rows["tight", "customers"]["difference"] <= 0
    assert rows["no_credit", "customers"]["difference"] is None
    assert rows["no_credit", "merchant_sales"]["n_seeds"] == 3
    runs = [sim.simulate(sim.load("loose.yaml"), seed=seed).summary["merchant_sales"] for seed in (1, 2, 3)]
    assert rows["tight", "merchant_sales"]["mean_a"] == pytest.approx(sum(runs) / 3, rel=1e-12)  # type: ignore[arg-type]


def test_runs_are_kept_and_not_repeated(market: Path) -> None:
    words = ("compare", "loose.yaml", "--vary", "lenders.ali.scoring.cutoff=0.3,0.99", "--workers", "1", "--out", "out")
    first = json.loads(lendsim(*words, "--seeds", "2", "--json").stdout)
    assert first["about_run"]["reused"] == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "comparison.html", "comparison.json", "comparison.svg", "cutoff=0.3", "cutoff=0.99",
    ]  # fmt: skip
    more = json.loads(lendsim(*words, "--seeds", "3", "--json").stdout)
    assert more["about_run"]["reused"] == 4
    again = json.loads(lendsim(*words, "--seeds", "2", "--json").stdout)
    assert again["rows"] == first["rows"]
    table = lendsim(*words, "--seeds", "2")
    assert "cutoff=0.99 less cutoff=0.3, 2 worlds" in table.stdout
    assert "  yield_risk_adjusted " in table.stdout
    assert table.stdout.endswith("Page:    out/comparison.html\n")


def test_until_goes_on_from_finished_runs_and_says_why_it_stopped(market: Path) -> None:
    words = ("compare", "loose.yaml", "tight.yaml", "--workers", "1", "--out", "out", "--seeds", "2", "--budget", "12")
    done = lendsim(*words, "--until", "disbursed ± 0.001 %")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\nThe budget of 12 worlds has ended: the interval of disbursed is ±" in done.stdout
    again = json.loads(lendsim(*words, "--until", "disbursed +- 90 %", "--json").stdout)
    assert again["summary"]["seeds"] == list(range(1, 11))  # the first batch has ten
    assert again["about_run"]["reused"] == 20
    assert again["summary"]["until"]["reason"] == "narrow"
    assert again["summary"]["notes"][-1].startswith("Stopped after 10 worlds: the interval of disbursed is ±")


def test_other_worlds_are_refused_unless_asked_for(market: Path) -> None:
    Path("later.yaml").write_text("extends: loose\ncalendar: {start: 2012-03-02}\n")
    done = lendsim("compare", "loose.yaml", "later.yaml", "--seeds", "1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("later.yaml:2:1: calendar.start: 2012-03-02 here, 2012-03-01 in loose: another world")
    allowed = lendsim("compare", "loose.yaml", "later.yaml", "--seeds", "1", "--workers", "1", "--different-worlds")
    assert allowed.exit_code == 0
    assert "The worlds differ: a difference is not the lender's alone." in allowed.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("loose.yaml",), "a comparison needs two scenarios, or one with --vary KEY=V1,V2"),
        (("loose.yaml", "tight.yaml", "--vary", "scale=1,2"), "--vary makes variants of one scenario; 2 are given"),
        (("loose.yaml", "--vary", "a=1,2", "--vary", "b=1,2"), "--vary is given 2 times; one key at a time"),
        (("loose.yaml", "--vary", "scale"), "--vary scale: written KEY=V1,V2"),
        (("loose.yaml", "tight.yaml", "--lender", "bank"), "--lender bank: no scenario has it; allowed: ali"),
        (("loose.yaml", "--vary", "lenders.ali.scoring.cutof=0.1,0.2"), "did you mean cutoff?"),
        (("loose.yaml", "tight.yaml", "--until", "npl9 ± 0.1 pp"), "there is no measure 'npl9'; did you mean npl90?"),
        (("loose.yaml", "tight.yaml", "--until", "npl90 ± 0.1 yuan"), "npl90 has no unit 'yuan'; allowed: pp"),
        (("loose.yaml", "tight.yaml", "--best", "ro"), "--best: there is no measure 'ro'; did you mean roe?"),
        (("loose.yaml", "nowhere.yaml"), "nowhere.yaml:1:1: "),
    ],
)
def test_refusals(market: Path, words: tuple[str, ...], said: str) -> None:
    done = lendsim("compare", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_run_is_named_and_the_rest_is_compared(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sim.engine.run
    from sim.errors import BooksError

    real = sim.engine.run.simulate

    def simulate(scenario: sim.engine.scenario.Scenario, seed: int, **options: object) -> object:
        if seed == 2 and scenario.path.stem == "tight":
            raise BooksError("2012-03-05: ali: loans: 1 fen too many")
        return real(scenario, seed, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sim.engine.run, "simulate", simulate)
    done = lendsim("compare", "loose.yaml", "tight.yaml", "--seeds", "3", "--workers", "1", "--json")
    assert done.exit_code == 1
    assert done.stderr == "tight, seed 2: 2012-03-05: ali: loans: 1 fen too many\n"
    found = json.loads(done.stdout)
    assert found["rows"][0]["n_seeds"] == 2
    assert found["summary"]["failed"] == [
        {"scenario": "tight", "seed": 2, "error": "2012-03-05: ali: loans: 1 fen too many"}
    ]


def test_report_and_export_of_a_finished_run(market: Path) -> None:
    run = sim.simulate(sim.load("loose.yaml"), seed=1, out="run")
    written = lendsim("report", "run")
    assert (written.exit_code, written.stdout) == (0, "run/report.html\n")
    assert Path("run/report.html").read_text().startswith("<!DOCTYPE html>")
    done = lendsim("export", "run", "--csv", "tables")
    assert done.exit_code == 0
    assert "tables/daily.csv\n" in done.stdout
    daily = pd.read_csv("tables/daily.csv", parse_dates=["date"])
    assert len(daily) == len(run.daily) == 30
    assert daily["disbursed_fen"].tolist() == run.daily["disbursed_fen"].tolist()
    assert daily["date"].tolist() == run.daily["date"].tolist()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nowhere"), "nowhere: there is no such folder"),
        (("export", "nowhere", "--csv", "tables"), "nowhere: there is no such folder"),
        (("export", "nowhere"), "say where to: --csv DIR"),
        (("export", "nowhere", "--xlsx", "a.xlsx"), "--xlsx is not yet available; --csv DIR writes tables"),
    ],
)
def test_what_is_no_run_is_refused(market: Path, words: tuple[str, ...], said: str) -> None:
    done = lendsim(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not Path("tables").exists()
