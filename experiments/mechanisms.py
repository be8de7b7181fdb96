"""What every mechanism does: each switched on and off in the same worlds, with the interval of the difference.

Writes ``docs/mechanisms.md``. Run as ``python experiments/mechanisms.py`` (some minutes on two cores); ``--seeds`` and
``--merchants`` make it shorter or surer. An effect that follows from the setting itself, whatever merchants do, is
labelled *set*; one that the market had to answer is labelled *found*.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "mechanisms.md"
SCENARIO = "base"
DAYS = 420


@dataclass(frozen=True)
class Mechanism:
    """One switch: the settings without and with it, over those that both share; what is measured; what is stated."""

    name: str
    off: Mapping[str, Any]
    on: Mapping[str, Any]
    measures: tuple[str, ...]
    stated: str  # the direction that the source states
    source: str
    kind: str = "found"  # or "set"
    both: Mapping[str, Any] = field(default_factory=dict)
    equity: int = 4000  # yuan of the lender's own money a merchant


def only(product: str, **terms: Any) -> dict[str, Any]:
    """Let the lender offer nothing but this product."""
    rest = {"order_loan": None, "revolving_line": None}
    return {"lenders.ali.products": rest | {product: terms}}


LINE = only("revolving_line")
ANNUITY = only("annuity", term="6 months")
POOR = 150  # yuan of own money a merchant: too little for all who ask
BAD = {  # a world in which many would rather not pay
    "merchants.character": {"opportunists": 0.35, "fraudsters": 0.02},
    "merchants.repayment": {"shop_value": "10 days", "sanction": "0 yuan"},
    "lenders.ali.scoring.cutoff": 0.3,
}

MECHANISMS: tuple[Mechanism, ...] = (
    Mechanism(
        "credit at all",
        {"lenders.ali.products": {"order_loan": None, "revolving_line": None}},
        {},
        ("merchant_sales", "merchant_exits"),
        "more sales; fewer exits not stated",
        "facts B.3 V29, design",
    ),
    Mechanism(
        "order loans beside a line", LINE, {}, ("disbursed", "merchant_sales"), "more lent, more sold", "facts A.1.1"
    ),
    Mechanism(
        "equal instalments in place of a line",
        LINE,
        ANNUITY,
        ("ever90", "balance_mean"),
        "not stated",
        "facts A.1.1",
    ),
    Mechanism(
        "principal at the end in place of equal instalments",
        ANNUITY,
        only("interest_only_bullet", term="6 months"),
        ("balance_mean", "ever90"),
        "a larger balance",
        "facts C.2",
    ),
    Mechanism(
        "a share of sales in place of a line",
        LINE,
        only("sales_share"),
        ("yield_gross", "npl30"),
        "a short life makes a fixed fee dear",
        "facts C.2",
    ),
    Mechanism(
        "orders not yet shipped in place of shipped ones",
        only("order_loan"),
        only("purchase_order"),
        ("npl90", "net_charge_off"),
        "not stated",
        "facts A.1.7",
    ),
    Mechanism(
        "a haircut of 60 % in place of 10 %",
        only("warehouse", haircut=0.1),
        only("warehouse", haircut=0.6),
        ("disbursed", "net_charge_off"),
        "less lent",
        "facts A.1.7",
        "set",
    ),
    Mechanism(
        "joint liability",
        ANNUITY,
        only("joint_liability", term="6 months", peer_sanction="0 yuan"),
        ("npl30", "npl90"),
        "V31: none where the platform enforces; V32: signs differ",
        "facts B.3 V31, V32",
    ),
    Mechanism(
        "peers that punish",
        only("joint_liability", term="6 months", peer_sanction="0 yuan"),
        only("joint_liability", term="6 months", peer_sanction="20,000 yuan"),
        ("npl30", "npl90"),
        "fewer defaults",
        "facts B.3 V32, V34",
        both=BAD,
    ),
    Mechanism(
        "smaller instalments after a prepayment",
        ANNUITY,
        only("annuity", term="6 months", prepayment="smaller"),
        ("balance_mean",),
        "a longer life",
        "facts A.1.1",
        "set",
    ),
    Mechanism(
        "30 days of grace",
        ANNUITY,
        only("annuity", term="6 months", grace="30 days"),
        ("overdue_rate", "yield_gross"),
        "V43 (a later first payment, not this): more sales and more default",
        "facts B.3 V43",
    ),
    Mechanism(
        "a price a fifth lower",
        {},
        {
            "lenders.ali.products.revolving_line.rate": "0.048 %/day",
            "lenders.ali.products.order_loan.rate": "0.04 %/day",
        },
        ("disbursed", "yield_gross"),
        "more demand (V22: -1.1 to -2.9)",
        "facts B.2 V22",
    ),
    Mechanism(
        "the 3-day refund",
        {},
        {"lenders.ali.interest_refund_days": 3},
        ("interest_income",),
        "a little less income",
        "facts A.1.1",
        "set",
    ),
    Mechanism(
        "penalty of 1.5 times in place of once",
        {"lenders.ali.penalty_multiple": 1.0},
        {},
        ("yield_gross",),
        "more is owed on what is late",
        "facts C.3",
        "set",
        BAD,
    ),
    Mechanism(
        "bank debt of half the net capital",
        {"lenders.ali.bank_debt.cap": "0 of net capital"},
        {},
        ("disbursed", "roe"),
        "more is lent",
        "facts C.13",
        equity=POOR,
    ),
    Mechanism(
        "the best scores first when money is short",
        {},
        {"lenders.ali.funding.order": "score"},
        ("ever90", "disbursed"),
        "fewer defaults",
        "design rule 10",
        equity=POOR,
    ),
    Mechanism(
        "a reserve of 1 % for undrawn limits",
        {},
        {"lenders.ali.funding.undrawn_reserve": 0.01},
        ("disbursed", "rejected_for_funds"),
        "less is lent",
        "design rule 10",
        "set",
        equity=600,
    ),
    Mechanism(
        "rate ceilings, with a list price above them",
        {},
        {"institutions.regulator": {"rules": "micro_loan_company", "breach": "clip"}},
        ("yield_gross", "disbursed"),
        "a lower yield",
        "facts C.14",
        "set",
        {"lenders.ali.products.revolving_line.rate": "0.08 %/day"},
    ),
    Mechanism(
        "one borrower at most 5 % of net capital",
        {},
        {"institutions.regulator": {"rules": "micro_loan_company", "breach": "clip"}},
        ("ticket_mean", "disbursed"),
        "smaller loans",
        "facts C.13",
        "set",
        equity=POOR,
    ),
    Mechanism(
        "reminders",
        {"lenders.ali.collection.remind_before": "0 days", "lenders.ali.collection.remind_from": "3650 days"},
        {},
        ("overdue_rate", "npl30"),
        "fewer late days (V36)",
        "facts B.3 V36",
        both=LINE,
    ),
    Mechanism(
        "the wallet sweep",
        {"lenders.ali.collection.sweep_share": 0.0},
        {},
        ("npl90", "net_charge_off"),
        "fewer losses",
        "facts A.1.3",
        both=BAD,
    ),
    Mechanism(
        "windows by the calendar index",
        {"lenders.ali.scoring.window": "naive"},
        {},
        ("disbursed", "ever90"),
        "limits do not follow the season",
        "design rule 12",
    ),
    Mechanism(
        "a partner bank that puts up 70 % of each loan",
        {},
        {"lenders.ali.joint_lending": {"share": 0.3, "servicing_fee": "2 %/year"}},
        ("disbursed", "rejected_for_funds", "roe"),
        "the same capital serves more",
        "facts A.1.4, C.13",
        equity=75,
    ),
    Mechanism(
        "a first-loss guarantee to the partner",
        {"lenders.ali.joint_lending": {"share": 0.3, "losses": "by_share"}},
        {"lenders.ali.joint_lending": {"share": 0.3, "losses": "first_loss"}},
        ("profit", "guarantee_paid"),
        "losses stay with the lender",
        "facts C.13, C.15",
        "set",
        BAD,
    ),
    Mechanism(
        "securities of its own loans",
        {},
        {"lenders.ali.securitisation": {"issues": 10, "size": "90,000 yuan", "every": "10 days", "junior": 0.1}},
        ("disbursed", "roe", "cost_of_funds_all"),
        "money beyond the cap on bank debt",
        "facts B.1 V20",
        equity=75,
    ),
    Mechanism(
        "bank debt of once the net capital in place of half",
        {},
        {"lenders.ali.bank_debt.cap": "1 of net capital"},
        ("disbursed", "nim", "roe"),
        "more is lent",
        "facts C.13 (2020)",
        equity=75,
    ),
    Mechanism(
        "bank debt drawn at once and kept",
        {},
        {"lenders.ali.bank_debt.draw": "at_once", "lenders.ali.bank_debt.repay": "keep"},
        ("profit", "disbursed"),
        "interest on idle money",
        "design section 3",
        "set",
    ),
    Mechanism(
        "insured lines in bad times",
        {},
        {"lenders.ali.insurance": {"revolving_line": {"premium": "2 %/year", "cover": 0.8}}},
        ("profit", "claims", "premiums"),
        "losses are shared for a price",
        "facts A.1.7",
        "set",
        {**BAD, "lenders.ali.write_off_after": "120 days"},
    ),
)


def measured(seeds: int, merchants: int) -> dict[str, list[str]]:
    """Run every mechanism; gives the cells of its rows, by name."""
    import sim
    from sim.results.metrics import BY_NAME
    from sim.study.stats import pair
    from sim.study.wording import say_difference, say_interval

    shared = {"merchants.number": merchants, "calendar.days": DAYS}
    found: dict[str, list[str]] = {}
    for one in MECHANISMS:
        money = {"lenders.ali.equity": f"{merchants * one.equity} yuan"}
        arms = {
            arm: sim.load(ROOT / "scenarios" / f"{SCENARIO}.yaml", {**shared, **money, **one.both, **settings})
            for arm, settings in (("off", one.off), ("on", one.on))
        }
        outcomes = sim.compare(arms, seeds=seeds).outcomes
        cells = []
        for name in one.measures:
            by_arm = [[(run.summary or {}).get(name) for run in outcomes if run.name == arm] for arm in arms]
            paired = pair(*by_arm)
            interval = say_interval(BY_NAME[name], paired)
            clear = "" if paired.is_clear or paired.difference is None else "; not told from chance"
            cells.append(f"`{name}` {say_difference(BY_NAME[name], paired)} {interval}{clear}".strip())
        found[one.name] = cells
        print(f"{one.name}: {'; '.join(cells)}", flush=True)
    return found


def page(rows: Mapping[str, Iterable[str]], seeds: int, merchants: int) -> str:
    """The page, in Markdown."""
    lines = [
        "# What every mechanism does",
        "",
        f"Measured by `experiments/mechanisms.py`: `{SCENARIO}` with {merchants:,} merchants over {DAYS} days,",
        f"each switch off and on in the same {seeds} worlds; on less off, with the 95 % interval of the",
        "difference. *Set* says that the setting alone decides the effect, *found* that merchants had to answer",
        "it. What a source states is a sign or an order of magnitude, mostly of another market; nothing here was",
        "fitted to it. Some switches need a world of their own to show: one in which money is short, or in which",
        "many would rather not pay (the script says which). An interval of [0, 0] says that the switch did",
        "nothing in these worlds: nobody repaid a first loan within three days, for one.",
        "",
        "| mechanism | measured effect | kind | stated | source |",
        "|---|---|---|---|---|",
    ]
    for one in MECHANISMS:
        lines.append(f"| {one.name} | {'<br>'.join(rows[one.name])} | {one.kind} | {one.stated} | {one.source} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, and write the page."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    words.add_argument("--seeds", type=int, default=8)
    words.add_argument("--merchants", type=int, default=3000)
    given = words.parse_args()
    PAGE.write_text(page(measured(given.seeds, given.merchants), given.seeds, given.merchants), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
