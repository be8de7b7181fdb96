"""``lendsim run`` as a person meets it: tables, one JSON object, folders that go on, plain refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner, Result

from sim.app.cli import app
from sim.errors import BooksError, StoreError

SCENARIO = """\
about: {title: A quiet week, question: none, lesson: none, source: assumption}
calendar: {start: 2012-03-01, days: 30, report_from: 2012-03-11}
merchants: {number: 150}
lenders:
  ali:
    equity: 1 m yuan
    products:
      order_loan: {rate: 0.05 %/day, term: 30 days, advance: 0.9}
      revolving_line: {rate: 0.06 %/day, term: 6 months}
    scoring: {policy: points, cutoff: 0.3}
"""


@dataclass(frozen=True)
class Estimate:
    memory_bytes: float
    cpu_seconds: float
    sentence: str


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch) -> dict[str, Estimate]:
    """Let a test say what a run weighs; nothing unless it does."""
    said = {"now": Estimate(1e8, 1.0, "150 merchants for 30 days need 0.1 GB and 1 second.")}
    module = ModuleType("sim.engine.estimate")
    module.estimate = lambda scenario: said["now"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sim.engine.estimate", module)
    return said


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiet.yaml").write_text(SCENARIO)
    return Path("quiet.yaml")


def lendsim(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_headline_is_printed_and_the_report_named_last(quiet: Path) -> None:
    done = lendsim("run", quiet)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "A quiet week: 2012-03-11 to 2012-03-30, seed 1"
    assert [line.strip() for line in lines if line.strip() in ("growth", "yield", "default", "merchants")] == [
        "growth", "yield", "default", "merchants",
    ]  # fmt: skip
    paid_out = next(line for line in lines if line.rstrip().endswith(" disbursed"))
    assert " yuan " in paid_out
    page = Path(lines[-1].removeprefix("Report: "))
    assert page.name == "report.html"
    assert page.exists()
    assert lines[-2] == f"Run:    {page.parent}"
    assert page.parent.parent == Path("runs")
    assert page.parent.name.startswith("quiet-")
    assert page.parent.name.endswith("-seed-1")


def test_the_same_command_prints_the_finished_run(quiet: Path) -> None:
    first, again = lendsim("run", quiet), lendsim("run", quiet)
    assert again.stdout == first.stdout.replace("-seed-1\n", "-seed-1 (finished before)\n", 1)
    assert len(list(Path("runs").iterdir())) == 1


def test_json_is_one_object_with_null_for_what_is_undefined(quiet: Path) -> None:
    done = lendsim("run", quiet, "--json", "--out", "out", "--no-report")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert set(found) == {"summary", "rows", "about_run"}
    (row,) = found["rows"]
    assert row["lender"] == "ali"
    assert {name: row[name] for name in found["summary"]} == found["summary"]
    assert row["economics"]["order_loan"]["n_loans"] > 0
    assert row["economics"]["order_loan"]["profit_per_loan"] is None  # no loan is old enough
    assert found["summary"]["disbursed"] > 0
    assert found["summary"]["ever90"] is None
    assert found["about_run"]["folder"] == "out"
    assert found["about_run"]["report"] is None
    assert found["about_run"]["reused"] is False
    again = json.loads(lendsim("run", quiet, "--json", "--out", "out", "--no-report").stdout)
    assert again["summary"] == found["summary"]
    assert again["about_run"]["reused"] is True


def test_seeds_give_a_row_each_and_means_with_intervals(quiet: Path) -> None:
    done = lendsim("run", quiet, "--seeds", "3", "--seed", "5", "--json", "--no-report", "--out", "out")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["seed"] for row in found["rows"]] == [5, 6, 7]
    sales = [row["merchant_sales"] for row in found["rows"]]
    assert len(set(sales)) == 3
    assert found["summary"]["merchant_sales"] == pytest.approx(sum(sales) / 3)
    low, high = found["intervals"]["merchant_sales"]
    assert low < found["summary"]["merchant_sales"] < high
    assert sorted(path.name for path in Path("out").iterdir()) == ["seed-5", "seed-6", "seed-7"]
    alone = json.loads(lendsim("run", quiet, "--seed", "6", "--json", "--out", "alone", "--no-report").stdout)
    assert {"seed": 6, **alone["summary"]} == found["rows"][1]
    table = lendsim("run", quiet, "--seeds", "3", "--seed", "5", "--no-report", "--out", "out")
    assert table.stdout.splitlines()[0] == "quiet: means over 3 seeds (5 to 7)"
    assert table.stdout.splitlines()[-1] == "Runs:   out"


def test_another_runs_folder_is_refused(quiet: Path) -> None:
    assert lendsim("run", quiet, "--out", "out", "--no-report").exit_code == 0
    done = lendsim("run", quiet, "--out", "out", "--no-report", "--seed", "2")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "out: holds another finished run (differs in seed: 1 there, 2 here); choose another folder\n"
    )
    many = lendsim("run", quiet, "--out", "out", "--seeds", "2", "--no-report")
    assert many.exit_code == 0  # out/seed-1 and out/seed-2 lie beside it
    Path("out/seed-2/manifest.json").unlink()
    many = lendsim("run", quiet, "--out", "out", "--seeds", "3", "--no-report")
    assert many.exit_code == 2
    assert many.stderr.startswith("out/seed-2: holds files that are no run of lendsim")
    assert not Path("out/seed-3").exists()


def test_all_mistakes_are_said_one_a_line_and_nothing_runs(quiet: Path) -> None:
    quiet.write_text("merchants: {number: -5, nomber: 3}\ncalendar: {days: soon}\n")
    done = lendsim("run", quiet, "--set", "calendar.dys=3")
    assert (done.exit_code, done.stdout) == (2, "")
    places = [line.split(": ")[:2] for line in done.stderr.splitlines()]
    assert places == [
        ["quiet.yaml:1:21", "merchants.number"],
        ["quiet.yaml:1:25", "merchants.nomber"],
        ["quiet.yaml:2:18", "calendar.days"],
        ["--set:1:1", "calendar.dys"],
    ]
    assert "Traceback" not in done.stderr
    assert not Path("runs").exists()


def test_a_missing_file_is_refused_with_its_place(quiet: Path) -> None:
    done = lendsim("run", "nowhere.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("nowhere.yaml:1:1: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["--seeds", "0"], ["--seed", "-1"], ["--threads", "0"], ["--checkpoint-every", "0"], ["--sede", "1"]]
)
def test_options_that_make_no_sense_are_refused(quiet: Path, words: list[str]) -> None:
    done = lendsim("run", quiet, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words[0] in done.stderr


def test_a_long_run_says_what_it_takes_and_one_without_room_is_refused(
    quiet: Path, weights: dict[str, Estimate]
) -> None:
    weights["now"] = Estimate(1e8, 90.0, "It takes 90 seconds")
    assert lendsim("run", quiet, "--out", "a", "--no-report").stderr == "It takes 90 seconds\n"
    weights["now"] = Estimate(1e8, 25.0, "It takes 25 seconds")
    many = lendsim("run", quiet, "--out", "b", "--no-report", "--seeds", "3")
    assert many.stderr == "It takes 25 seconds; there are 3 runs\n"
    weights["now"] = Estimate(1e15, 1e6, "It takes a million GB")
    refused = lendsim("run", quiet, "--out", "c", "--no-report")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("It takes a million GB\na run needs 1,000,000.0 GB of memory and there are ")
    assert refused.stderr.endswith("start it all the same with --yes\n")
    assert not Path("c").exists()
    assert lendsim("run", quiet, "--out", "c", "--no-report", "--yes").exit_code == 0


def raising(error: BaseException, days: int) -> Callable[..., None]:
    def simulate(scenario: object, **options: object) -> None:
        for day in range(days):
            options["progress"](day + 1, 30, 150)  # type: ignore[operator]
        raise error

    return simulate


@pytest.mark.parametrize(
    ("error", "days", "status", "said"),
    [
        (BooksError("2012-03-05: ali: loans: 1 fen too many"), 4, 1, "2012-03-05: ali: loans: 1 fen too many\n"),
        (StoreError("out: cannot write the run: no space left"), 4, 1, "out: cannot write the run: no space left\n"),
        (StoreError("out: another process is writing this run"), 0, 2, "out: another process is writing this run\n"),
        (OSError(28, "No space left on device", "out/x"), 4, 1, "out/x: No space left on device\n"),
        (KeyboardInterrupt(), 4, 130, "interrupted; the same command goes on with it\n"),
    ],
)
def test_exit_status_and_words_of_what_goes_wrong(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, days: int, status: int, said: str
) -> None:
    import sim.engine.run

    monkeypatch.setattr(sim.engine.run, "simulate", raising(error, days))
    done = lendsim("run", quiet, "--out", "out")
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", said)


def test_a_fault_of_the_program_keeps_its_traceback(quiet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sim.engine.run

    monkeypatch.setattr(sim.engine.run, "simulate", raising(ZeroDivisionError("odd"), 0))
    done = lendsim("run", quiet, "--out", "out")
    assert done.exit_code == 1
    assert isinstance(done.exception, ZeroDivisionError)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_and_the_same_command_again(quiet: Path) -> None:
    command = [sys.executable, "-m", "sim.app.cli", "run", str(quiet), "--out", "out", "--json", "--no-report"]
    command += ["--set", "merchants.number=2000", "--set", "calendar.days=700", "--checkpoint-every", "5"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(Path("out").glob("checkpoint/*")):
        assert time.monotonic() < until
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    said, told = program.communicate(timeout=60)
    assert (program.returncode, said) == (130, "")
    assert told.endswith("interrupted; the same command goes on with it\n")
    assert "Traceback" not in told
    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    fresh = [*command[:5], "--out", "fresh", *command[7:]]
    whole = subprocess.run(fresh, capture_output=True, text=True, timeout=300)
    assert json.loads(again.stdout)["summary"] == json.loads(whole.stdout)["summary"]
