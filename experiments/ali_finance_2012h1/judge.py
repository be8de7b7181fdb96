"""The reference scenario against the published figures, its price elasticity, and what comes after, on the page.

    lendsim run scenarios/ali_finance_2012h1.yaml --seeds 10 --out runs/ali
    python experiments/ali_finance_2012h1/judge.py runs/ali

It writes the section of ``docs/validation.md``. What comes after 30 June 2012 was never looked at to set a parameter.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCENARIO, TARGETS = HERE.parents[1] / "scenarios" / "ali_finance_2012h1.yaml", HERE / "targets.yaml"
HEAD = "## Ali Finance, first half of 2012"
PAIRS = range(1, 5)  # seeds
LATER: Mapping[str, Any] = {
    "calendar.end": "2013-06-30", "calendar.report_from": "2013-01-01", "calendar.report_to": "2013-06-30",
    # the one dated event of the year after that the model has: a first loan repaid in three days is free (facts A.1.1)
    "lenders.ali.changes.refund_2013_01": {"date": "2013-01-01", "set": {"interest_refund_days": 3}},
}  # fmt: skip
PUBLISHED = {
    "customers so far": "320,000",
    "lent since 2010, bn yuan": "100",
    "balance 90 days past due, % of balance": "0.84 to 0.87",
    "balance a customer in debt, yuan": "40,000",
}


def lent(seed: int, prices: Mapping[str, Any]) -> float:
    """Yuan lent in the half year, with some prices of the scenario changed."""
    import sim

    return float(sim.simulate(sim.load(SCENARIO, prices), seed=seed).summary["disbursed"])


def later(seed: int) -> dict[str, float]:
    """The published figures of mid-2013, of the same scenario run on."""
    import sim
    from sim.results.ledger import Ledger
    from sim.study.figures import FIGURES

    run = sim.simulate(sim.load(SCENARIO, LATER), seed=seed)
    book, scale = Ledger(run, "ali"), float(run.scenario["scale"])
    whole = float(FIGURES["disbursed_before"].function(book) or 0.0) + run.summary["disbursed"]
    found = (
        run.summary["customers"] / scale, whole / scale / 1e9, 100.0 * run.summary["npl90"],
        FIGURES["balance_in_debt"].function(book),
    )  # fmt: skip
    return dict(zip(PUBLISHED, (float(one or 0.0) for one in found), strict=True))


def mean_and_interval(values: Sequence[float]) -> str:
    """Mean with its 95 % interval, in few digits."""
    from sim.study.stats import summarise

    one = summarise(list(values))
    return f"{one.mean:.4g} [{one.low:.4g}, {one.high:.4g}]"


def verdict_of(folder: Path) -> Any:
    """What the targets say of the runs of a folder."""
    from sim.study.targets import find_runs, judge, read_targets

    return judge(find_runs(folder), read_targets(TARGETS))


def table(small: Any, full: Any) -> list[str]:
    """The rows of all targets: over the seeds at a part of the scale and, if it is there, at full scale."""
    from sim.study.targets import say

    lines = [
        f"| | what | kind | band | {small.n_seeds} seeds at 1:{round(1 / small.scale)} | |"
        + " one seed at 1:1 | |" * bool(full),
        "|---|---|---|---|---:|---|" + "---:|---|" * bool(full),
    ]
    for k, row in enumerate(small.rows):
        low, high = say(row.target.low, row.unit), say(row.target.high, row.unit)
        band = f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}"
        cells = [row.id, row.target.what, row.target.kind, band]
        for one in (row, *([full.rows[k]] if full else [])):
            cells += [say(one.value, one.unit) or "never", "" if one.passed else "**missed**"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def met(verdict: Any) -> str:
    """How many targets are met, in words."""
    (hard, n_hard), (soft, n_soft) = verdict.hard, verdict.soft
    return f"{hard} of {n_hard} hard and {soft} of {n_soft} soft targets"


def main() -> None:
    """Judge, and write the section."""
    sys.path.insert(0, str(HERE.parent))
    from search import cheaper, response
    from validation import write_section

    from sim.study.pool import Pool

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", type=Path, help="folder of the runs at a part of the scale, one a seed")
    parser.add_argument("--full", type=Path, help="folder of a run at full scale")
    parser.add_argument("--workers", type=int, default=2)
    words = parser.parse_args()
    with Pool(words.workers) as pool:
        arms = [[pool.executor.submit(lent, seed, prices) for seed in PAIRS] for prices in ({}, cheaper())]
        after = [pool.executor.submit(later, seed) for seed in PAIRS]
        pairs = zip(*([task.result() for task in arm] for arm in arms), strict=True)
        elasticity = [-response(usual, cheap) for usual, cheap in pairs]
        years = [task.result() for task in after]
    small, full = verdict_of(words.runs), verdict_of(words.full) if words.full else None
    missed = "met" if -3.0 <= sum(elasticity) / len(elasticity) <= -1.0 else "missed"
    lines = [
        HEAD,
        "",
        "`scenarios/ali_finance_2012h1.yaml` against `experiments/ali_finance_2012h1/targets.yaml` (facts A.4), by",
        "`experiments/ali_finance_2012h1/judge.py`. The parameters were searched for these very figures with",
        "other seeds (`experiments/ali_finance_2012h1/search.py`): the mean of two of the sets that it kept, but for",
        "six that were moved after ten seeds had been seen (size, growth, habit, the owner's take, the limit multiple,",
        "the write-off; this last once more after the run at full scale). That the figures are met shows that the",
        "model can do it with plausible parameters, not that it foretells.",
        "",
        *table(small, full),
        "",
        f"Met are {met(small)} as means over seeds{f', and {met(full)} at full scale' if full else ''};",
        "four fifths of the soft ones must be. Price elasticity of what is lent, from a tenth off all prices, over",
        f"{len(PAIRS)} worlds: {mean_and_interval(elasticity)}; from -3 to -1 is expected: it is {missed}.",
        "",
        "A year on, with nothing changed but that from January 2013 a first loan repaid within three days is free.",
        "This is a comparison; nothing was fitted to it:",
        "",
        "| 30 June 2013 | published | simulated, mean [95 %] |",
        "|---|---:|---:|",
        *(
            f"| {name} | {said} | {mean_and_interval([one[name] for one in years])} |"
            for name, said in PUBLISHED.items()
        ),
        "",
    ]
    write_section(lines)


if __name__ == "__main__":
    import judge  # by its name, so that the workers find it

    judge.main()
