"""A small scenario to load, and what the tests of scenarios do with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.scenario import load
from sim.errors import ScenarioError

BASE = """\
about:
  title: A small market
  lesson: "Small, short: often # a loss"
calendar: {start: 2012-01-01, days: 182, report_from: 2012-03-01}
merchants:
  number: 20000
  trade: {margin: 0.3, lead: 9 days}
events:
  double_eleven: {date: 2012-11-11, kind: promotion, lift: 6.4}
  spring: {date: 2012-03-08, kind: promotion, lift: 2, days: 3}
lenders:
  ali:
    equity: 1.6 bn yuan
    bank_debt: {cap: 0.5 of net capital, rate: 7 %/year}
    products:
      order_loan: {rate: 0.05 %/day, term: 30 days, advance: 0.9}
      revolving_line: {rate: 0.06 %/day, term: 6 months}
    scoring: {policy: points, cutoff: 0.6}
    limit: {policy: sales_multiple, multiple: 1.5}
    costs: {fixed_per_day: 1000 yuan}
    eligibility: {platforms: [taobao, tmall]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `scenarios` with a base."""
    (tmp_path / "scenarios").mkdir()
    write(tmp_path / "scenarios", "base", BASE)
    return tmp_path / "scenarios"


def write(folder: Path, name: str, text: str) -> Path:
    """Write a scenario file."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def refused(path: Path, *overrides: str) -> str:
    """Give the lines with which a scenario is refused, without the folder of the file."""
    with pytest.raises(ScenarioError) as caught:
        load(path, overrides)
    return str(caught.value).replace(f"{path.parent}/", "")
