"""What the shipped studies give: run them, and write their findings beside them or hold them against what was written.

    python experiments/expected.py [--write]

Findings stand in ``experiments/expected/NAME.csv``, one row each, numbers to nine digits: those that another processor
gives as well. Without ``--write`` every study is run (or read, if it was) and a finding that differs is told.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.study.plan import read_plan
from sim.study.study import run_study

STUDIES = ("price_sweep", "limit_multiple", "promotion_lift", "collections_ladder", "negotiation_arms")
HERE = Path(__file__).parent


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write findings as CSV; an undefined number is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{v:.9g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
    return text.getvalue()


def findings(name: str) -> str:
    """Run a study, or read it if it was run, and return its findings as CSV."""
    plan = read_plan(HERE / f"{name}.yaml")
    return as_csv(run_study(plan, Path("runs") / "studies" / f"{name}-{plan.hash[:8]}").rows)


def main() -> int:
    """Write or check the findings of all studies; 1 if one differs."""
    parser = argparse.ArgumentParser(description="What the shipped studies give.")
    parser.add_argument("--write", action="store_true", help="write the files of findings anew")
    is_written, differing = parser.parse_args().write, 0
    for name in STUDIES:
        found, file = findings(name), HERE / "expected" / f"{name}.csv"
        if is_written:
            file.parent.mkdir(exist_ok=True)
            file.write_text(found, encoding="utf-8")
            print(file.relative_to(HERE))
            continue
        expected = file.read_text(encoding="utf-8")
        both = zip(expected.split("\n"), found.split("\n"), strict=False)
        lines = [f"  {now}\n  instead of\n  {then}" for then, now in both if then != now]
        differing += expected != found
        print(f"{name}: {'as expected' if expected == found else f'{len(lines)} findings differ, the first:'}")
        print("\n".join(lines[:1]), end="\n" if lines else "")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
