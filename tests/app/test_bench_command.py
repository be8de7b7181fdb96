"""`lendsim bench` and the guard: what they make of measurements. Measuring itself takes minutes and is no test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.app.bench import compare, guard
from sim.app.cli import app

# CPU nanoseconds a merchant-day by kind and size: the engine's cost a day grows with the power 0.75.
COST = {("engine", 10_000): 400.0, ("engine", 100_000): 400.0 / 10**0.25, ("engine", 1000): 2000.0}
BYTES = {("engine", 100): 300e6, ("engine", 1000): 301e6, ("engine", 10_000): 305e6, ("engine", 100_000): 332e6}


def measured(kind: str, *numbers: int, cache: str | None = None) -> dict[str, Any]:
    """A measurement by formula."""
    if kind == "compile":
        return {"cpu_seconds": 40.0 if cache else 1.0}
    if kind == "bandwidth":
        return {"bytes_per_second": 20e9, "bytes_per_merchant_day": 340}
    size = numbers[0]
    row = {"merchants": size, "loans_per_merchant": 0.2, "bytes": BYTES.get((kind, size), 250e6 + 2000 * size)}
    cost = COST.get((kind, size), 12_000.0)
    steps = {"merchants' day: trade, loans, plans": cost / 2, "reviews": cost / 2}
    return row | {"cpu_ns_per_merchant_day": cost, "steps": steps, "finish_cpu_seconds": 1.0}


@pytest.fixture(autouse=True)
def _nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "_measure", measured)


def test_json_has_the_rows_of_engine_and_peer(tmp_path: Path) -> None:
    words = ["bench", "--merchants", "1000,100000,10000", "--json", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [row["merchants"] for row in found["engine"]] == [1000, 10_000, 100_000]
    assert [row["merchants"] for row in found["peer"]] == [1000, 10_000]
    for row in (*found["engine"], *found["peer"]):
        assert {"merchants", "cpu_ns_per_merchant_day", "bytes_per_merchant"} <= row.keys()
    # a further merchant beyond the next smaller size
    assert found["engine"][2]["bytes_per_merchant"] == pytest.approx(27e6 / 90_000)
    assert found["exponent"] == pytest.approx(0.75)
    assert found["bandwidth"]["share"] == pytest.approx(340 / (200.0 / 10**0.25) * 1e9 / 20e9)
    assert Path(found["picture"]).read_bytes().startswith(b"\x89PNG")


def test_people_are_told_in_sentences(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "--merchants", "1000,10000,100000", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for said in ("to the power of 0.75", "53 times what it costs lendsim", "reviews", "compiled in 40 s"):
        assert said in done.stdout
    assert done.stdout.splitlines()[-1] == str(tmp_path / "bench.png")


@pytest.mark.parametrize("sizes", ["5", "ten", "", "1000,,2000", "100000000"])
def test_sizes_that_are_none_are_refused(sizes: str) -> None:
    done = CliRunner().invoke(app, ["bench", "--merchants", sizes])
    assert done.exit_code == 2
    assert "--merchants" in done.output


def test_the_medians_of_repeats_are_shown() -> None:
    rows = [{"cpu": value, "steps": {"a": -value}} for value in (3.0, 9.0, 4.0)]
    assert compare._median(rows) == {"cpu": 4.0, "steps": {"a": -4.0}}


@pytest.mark.parametrize(("ratio", "status"), [(0.9, 0), (1.24, 0), (1.26, 1)])
def test_the_guard_fails_where_the_case_is_a_quarter_dearer(
    ratio: float, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guard, "measured_ratio", lambda: ratio * guard.RECORDED)
    assert guard.main() == status
    assert f"{ratio - 1:+.0%}" in capsys.readouterr().out
