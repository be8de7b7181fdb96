"""The lender's check for faked sales against the hidden truth: precision and recall, and what tightening it does.

Run as ``python experiments/wash_checks.py``: it writes its section of ``docs/validation.md``. A borrower is a true
positive if it was found by monitoring (action ``wash``) and is one of those who fake sales.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCENARIO, HEAD = ROOT / "scenarios" / "base.yaml", "## Faked sales"
MERCHANTS, SEEDS = 5_000, 8
# What the check asks for: signs that make a shop suspect, and the share of suspects of whom a look makes sure.
CHECKS = {
    "two signs, 2 % of suspects a look": (2, 0.02),
    "two signs, 10 % (the default)": (2, 0.1),
    "two signs, 25 %": (2, 0.25),
    "one sign, 10 %": (1, 0.1),
    "one sign, 25 %": (1, 0.25),
}
FIGURES = {
    "precision": "found and faking, % of those found",
    "recall": "of those faking, %",
    "lent": "lent, m yuan",
    "ever90": "ever 90 days late, % of loans",
}


def look(plan: Any, seed: int) -> dict[str, float]:
    """Figures of one world: precision and recall among borrowers, lending, lateness."""
    import sim

    run = sim.simulate(plan, seed=seed)
    people = run.merchants.set_index("merchant_id")
    borrowers = set(run.loans["merchant_id"])
    washers = borrowers & set(people.index[people["wash"] > 0])
    actions = run.frame("actions")
    found = set(actions.loc[actions["action"] == "wash", "merchant_id"])
    return {
        "precision": 100.0 * len(found & washers) / max(len(found), 1),
        "recall": 100.0 * len(found & washers) / len(washers),
        "lent": run.summary["disbursed"] / 1e6,
        "ever90": 100.0 * run.summary["ever90"],
    }


def main() -> None:
    """Run all checks in the same worlds, and write the section."""
    from validation import write_section

    import sim
    from sim.study.stats import summarise

    lines = [
        HEAD,
        "",
        f"Monitoring looks at borrowers every week for a year; {SEEDS} worlds of {MERCHANTS:,} merchants, by"
        " `experiments/wash_checks.py`; means with 95 % intervals over worlds. One merchant in six fakes sales, and"
        " 2 to 25 % of those are found by a platform [B.4 V55, V56].",
        "",
        "| check | " + " | ".join(FIGURES.values()) + " |",
        "|---|" + "---|" * len(FIGURES),
    ]
    for words, (signs, detection) in CHECKS.items():
        plan = sim.load(
            SCENARIO,
            {
                "scale": MERCHANTS / 20_000,
                "lenders.ali.monitoring": {"policy": "signals", "signs": signs, "detection": detection},
            },
        )
        worlds = [look(plan, seed) for seed in range(1, SEEDS + 1)]
        cells = []
        for name in FIGURES:
            one = summarise([world[name] for world in worlds])
            cells.append(f"{one.mean:.3g} [{one.low:.3g}, {one.high:.3g}]")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "A harder check finds more of those who fake and is right less often: whoever is found, rightly or not, loses",
        "the limit, so that less is lent. One in six borrowers would be right by chance alone.",
    ]
    write_section([*lines, ""])


if __name__ == "__main__":
    main()
