"""What the same worlds save: the runs that five comparisons would have taken in unrelated worlds.

    python experiments/pairing.py [--seeds N]

For each shipped study the first point or arm is compared with the one that differs most from it by its design (the
last), in each of its measures. ``factor`` is the number of runs that an interval of the same width would have taken in
unrelated worlds, over those that were run: n_unpaired / n of `sim.study.stats.Paired`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from expected import STUDIES

from sim.study.plan import read_plan
from sim.study.stats import pair
from sim.study.study import run_study

HERE = Path(__file__).parent


def main() -> None:
    """Run the five studies (those that are done are read) and print a line for each measure of each."""
    parser = argparse.ArgumentParser(description="What the same worlds save, in five comparisons.")
    parser.add_argument("--seeds", type=int, default=None, help="worlds, in place of the studies' own")
    seeds = parser.parse_args().seeds
    tens = 0
    print(f"{'study':20} {'measure':22} {'worlds':>6} {'unpaired':>9} {'factor':>7} {'correlation':>11}")
    for name in STUDIES:
        plan = read_plan(HERE / f"{name}.yaml", {} if seeds is None else {"seeds": seeds})
        done = run_study(plan, Path("runs") / "studies" / f"{name}-{plan.hash[:8]}")
        first, last = done.measured.points[0], done.measured.points[-1]
        best = 0.0
        for measure in plan.measures:
            paired = pair(done.measured.column(first, measure), done.measured.column(last, measure))
            if paired.n_unpaired is None or paired.correlation is None:
                print(f"{name:20} {measure:22} {paired.n:6} {'-':>9} {'-':>7} {'-':>11}")
                continue
            factor = paired.n_unpaired / paired.n
            best = max(best, factor)
            print(
                f"{name:20} {measure:22} {paired.n:6} {paired.n_unpaired:9,} {factor:7.1f} {paired.correlation:11.3f}"
            )
        tens += best >= 10
        print(f"{name}: {first} against {last}, at best a factor of {best:.1f}")
    print(f"{tens} of {len(STUDIES)} comparisons save a factor of ten or more in a measure.")


if __name__ == "__main__":
    main()
