"""The shipped studies can be laid out, ask a question, and give what is written beside them."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from sim.study.plan import read_plan

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "experiments").glob("*.yaml"))


def test_there_are_five() -> None:
    assert len(STUDIES) >= 5
    assert {path.stem for path in (ROOT / "experiments" / "expected").glob("*.csv")} == {path.stem for path in STUDIES}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_it_says_what_it_asks_and_its_findings_are_of_its_plan(path: Path) -> None:
    plan = read_plan(path)
    about = plan.file.about
    assert all((about.title, about.question, about.lesson, about.source))
    with (path.parent / "expected" / f"{path.stem}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["measure"] for row in rows} == set(plan.measures)
    named = (
        {row["point"] for row in rows}
        if "point" in rows[0]
        else {row["a"] for row in rows} | {row["b"] for row in rows}
    )
    assert named == set(plan.scenarios)
    assert {int(row["n_seeds"]) for row in rows if row["measure"] == "profit"} == {len(plan.seeds)}


@pytest.mark.slow
def test_they_give_what_is_written_beside_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / "expected.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("as expected") == 5


def test_a_factor_may_stand_for_several_keys() -> None:
    plan = read_plan(ROOT / "experiments" / "price_sweep.yaml")
    for point, values in plan.points.items():
        products = plan.scenarios[point].resolved["lenders"]["ali"]["products"]
        rates = {product["rate"] for product in products.values() if product}
        assert rates == {values["rate"]}
