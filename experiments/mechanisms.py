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
from statistics import mean
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
    kind: str = "found"  # or "set", or "fitted"
    both: Mapping[str, Any] = field(default_factory=dict)
    equity: int = 4000  # yuan of the lender's own money a merchant


def only(product: str, **terms: Any) -> dict[str, Any]:
    """Let the lender offer nothing but this product."""
    rest = {"order_loan": None, "revolving_line": None}
    return {"lenders.ali.products": rest | {product: terms}}


LINE = only("revolving_line")
ANNUITY = only("annuity", term="6 months")
POOR = 150  # yuan of own money a merchant: too little for all who ask
HARD = {  # a recession that meets borrowers who pay month by month
    "events": {"recession": {"date": "2011-12-15", "kind": "recession", "size": 0.5, "days": 150}},
    "lenders.ali.write_off_after": "180 days",
}
TEMPTED = {  # a third would rather not pay, and only what is at stake keeps them at it: nobody takes it from the wallet
    "merchants.character": {"opportunists": 0.35},
    "merchants.repayment": {"sanction": "0 yuan", "credit_value": 0.05},
    "lenders.ali.scoring.cutoff": 0.3,
    "lenders.ali.collection.steps.sweep": None,
}
SWAYED = {  # as tempted, and the shop is worth about what is owed: a little decides
    **TEMPTED,
    "merchants.repayment": {"sanction": "0 yuan", "credit_value": 0.05, "shop_value": "5 days"},
}
BAD = {  # a world in which many would rather not pay
    "merchants.character": {"opportunists": 0.35, "fraudsters": 0.02},
    "merchants.repayment": {"shop_value": "10 days", "sanction": "0 yuan"},
    "lenders.ali.scoring.cutoff": 0.3,
}

STEP = "lenders.ali.collection.steps."
CREDIT = "lenders.ali.products."
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
        "members who choose each other in place of neighbours",
        only("joint_liability", term="6 months"),
        only("joint_liability", term="6 months", matching="chosen"),
        ("npl30", "ever90"),
        "the safe join the safe, and the risky are left to each other",
        "facts C.12 (Ghatak)",
        both=BAD,
    ),
    Mechanism(
        "no credit for a group of which one is late",
        only("joint_liability", term="6 months", hold_after="3650 days"),
        only("joint_liability", term="6 months"),
        ("npl30", "disbursed"),
        "all answer (Besley and Coate)",
        "facts A.1.1, C.12",
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
        {"lenders.ali.collection.steps.remind_before": None, "lenders.ali.collection.steps.remind": None},
        {},
        ("on_time_rate", "late_days_mean"),
        "V36: +3 to +10 points on time (it set how many forget), -0.5 to -3 days",
        "facts B.3 V36",
        "fitted",
        both=ANNUITY,
    ),
    Mechanism(
        "reminders, where no wallet is swept",
        {"lenders.ali.collection.steps.remind_before": None, "lenders.ali.collection.steps.remind": None},
        {},
        ("on_time_rate", "late_days_mean"),
        "V36 (a lender without a wallet): +3 to +10 points on time, -0.5 to -3 days",
        "facts B.3 V36",
        "fitted",
        both={**ANNUITY, "lenders.ali.collection.steps.sweep": None},
    ),
    Mechanism(
        "the wallet sweep",
        {"lenders.ali.collection.steps.sweep": None},
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
    Mechanism(
        "principal before interest in a payment",
        {},
        {"lenders.ali.allocation": ["principal", "interest", "penalty", "fee"]},
        ("yield_gross", "balance_mean"),
        "less interest",
        "facts C.4",
        "set",
        {**ANNUITY, **BAD},
    ),
    Mechanism(
        "one bucket of all instalments first",
        {},
        {"lenders.ali.allocation_by": "bucket"},
        ("npl30", "yield_gross"),
        "not stated",
        "facts C.4",
        "set",
        {**ANNUITY, **BAD},
    ),
    Mechanism(
        "the penalty rate on overdue interest too",
        {},
        {"lenders.ali.compound_unpaid_interest": True},
        ("yield_gross",),
        "more is owed",
        "facts C.3",
        "set",
        {**ANNUITY, **BAD},
    ),
    Mechanism(
        "due dates that move off holidays",
        {},
        {"lenders.ali.holidays": "next_day"},
        ("on_time_rate", "interest_income"),
        "not stated",
        "assumption",
        both=ANNUITY,
    ),
    Mechanism(
        "write-off at 180 days past due in place of 360",
        {},
        {"lenders.ali.write_off_after": "180 days"},
        ("npl90", "charge_off_gross"),
        "a lower NPL ratio, a higher charge-off",
        "facts C.6, A.3 item 10",
        "set",
        {**ANNUITY, **BAD},
    ),
    Mechanism(
        "a sweep of 60 % of sales in place of 20 % behind purchase orders",
        only("purchase_order", sweep=0.2),
        only("purchase_order", sweep=0.6),
        ("life_mean_days", "npl30"),
        "a shorter life",
        "facts A.1.7",
    ),
    Mechanism(
        "a least payment of a share of sales",
        only("sales_share"),
        only("sales_share", minimum_share=0.1),
        ("overdue_rate", "life_mean_days"),
        "more late, sooner (V13, V14)",
        "facts C.2, B.1 V13",
    ),
    Mechanism(
        "a late fee of 50 yuan",
        {},
        {"lenders.ali.late_fee": "50 yuan"},
        ("yield_gross",),
        "more income",
        "facts C.4",
        "set",
        {**ANNUITY, **BAD},
    ),
    Mechanism(
        "a fee of 1 % at payout",
        {},
        {CREDIT + "annuity.payout_fee": 0.01},
        ("yield_gross", "disbursed"),
        "a higher yield, less demand",
        "facts C.15 (discount fee)",
        both=ANNUITY,
    ),
    Mechanism(
        "a line only beside a fixed loan",
        {CREDIT + "fixed_loan": {"minimum": "5000 yuan"}},
        {CREDIT + "fixed_loan": {"minimum": "5000 yuan", "bundle": True}},
        ("disbursed", "ticket_mean"),
        "fewer and larger loans",
        "facts A.1.1",
        both={CREDIT + "order_loan": None, "lenders.ali.limit.multiple": 4},
    ),
    Mechanism(
        "monitoring",
        {},
        {"lenders.ali.monitoring.policy": "signals"},
        ("ever90", "disbursed"),
        "early warning and recall",
        "facts A.1.3",
        both={**ANNUITY, "merchants.borrowing.diverters": 0.12},
    ),
    Mechanism(
        "misused money at 1.5 times the rate in place of once",
        {"lenders.ali.monitoring": {"policy": "signals", "misuse_multiple": 1.0}},
        {"lenders.ali.monitoring": {"policy": "signals", "misuse_multiple": 1.5}},
        ("yield_gross",),
        "a dearer loan",
        "facts C.3",
        "set",
        {**ANNUITY, "merchants.borrowing.diverters": 0.12},
    ),
    *(
        Mechanism(
            f"the threat to close shops, with {share:.0%} who weigh it",
            {STEP + "close_shop": None},
            {},
            ("ever90", "merchant_sales"),
            "acts on willingness only",
            "facts A.1.3, C.12",
            both={**ANNUITY, **TEMPTED, "merchants.character": {"opportunists": share}},
        )
        for share in (0.0, 0.12, 0.35)
    ),
    Mechanism(
        "a list of debtors whose identity is known",
        {"lenders.ali.collection.identity": False},
        {},
        ("ever90", "npl30"),
        "V35: repayment up for the riskiest, none for others",
        "facts B.3 V35",
        both={
            **ANNUITY,
            **TEMPTED,
            "merchants.repayment": {"sanction": "0 yuan", "shop_value": "0 days", "credit_value": 0.25},
            STEP + "close_shop": None,
        },
    ),
    *(
        Mechanism(
            f"a {tone} tone in reminders",
            {},
            {STEP + "remind.tone": tone},
            ("ever90", "npl30"),
            said,
            "facts B.3 V38",
            "set",
            {**ANNUITY, **SWAYED},
        )
        for tone, said in (("positive", "V38: repayment up"), ("threat", "V38: no lasting effect"))
    ),
    Mechanism(
        "contacts of debtors told",
        {},
        {STEP + "contacts": {"action": "tell_contacts", "after": "10 days"}},
        ("ever90", "npl30"),
        "V39: half the default; weak ties fade",
        "facts B.3 V39",
        "set",
        {**ANNUITY, **TEMPTED, STEP + "close_shop": None},
    ),
    Mechanism(
        "calls from the fifth day, where no wallet is swept",
        {},
        {STEP + "call": {"action": "call", "after": "5 days", "every": "7 days"}},
        ("late_days_mean", "collection_cost"),
        "works on the forgetful",
        "facts A.1.3, C.12",
        both={**ANNUITY, STEP + "sweep": None},
    ),
    Mechanism(
        "help for shops that are late",
        {},
        {STEP + "help": {"action": "help", "after": "10 days", "share": 0.3}},
        ("ever90", "merchant_sales"),
        "relief to the unable",
        "facts A.1.3",
        both={**ANNUITY, **HARD},
    ),
    Mechanism(
        "debts sold at 120 days for 8 %",
        {},
        {STEP + "sale": {"action": "sell", "after": "120 days", "share": 0.08}},
        ("npl90", "net_charge_off"),
        "fewer bad loans on the books",
        "facts A.1.3",
        "set",
        {**ANNUITY, **BAD},
    ),
    *(
        Mechanism(
            f"negotiation: {arm}",
            {},
            {"lenders.ali.negotiation.policy": arm},
            ("ever90", "net_charge_off", "profit"),
            said,
            "facts A.1.3 (004), B.3",
            both={**ANNUITY, **HARD},
        )
        for arm, said in (
            ("slow", "the three failings: little relief"),
            ("fast", "fewer defaults"),
            ("personalised", "fewer defaults"),
            ("early", "fewer defaults still"),
        )
    ),
    *(
        Mechanism(
            f"joint liability in {name}",
            ANNUITY,
            only("joint_liability", term="6 months", peer_sanction="0 yuan"),
            ("npl30", "ever90"),
            said,
            "facts B.3 V31, V32; C.12",
            both=world,
        )
        for name, world, said in (
            ("calm", {}, "others can pay"),
            ("a common shock", HARD, "V32: correlated returns weaken it"),
        )
    ),
    Mechanism(
        "six reviewers in place of one around Double 11",
        {"lenders.ali.desk.teams.reviewers.staff": 1},
        {"lenders.ali.desk.teams.reviewers.staff": 6},
        ("disbursed", "people_cost"),
        "waiting loses business",
        "facts A.1.1, A.1.2",
        both={
            **LINE,
            "lenders.ali.approval": {"policy": "desk", "people_from": "2000 yuan"},
            "lenders.ali.desk": {
                "teams": {"reviewers": {"skills": ["review"]}},
                "work": {"review": {"minutes": 60, "patience": 4320}},
            },
        },
    ),
)


def measured(seeds: int, merchants: int, only: str) -> dict[str, list[str]]:
    """Run the mechanisms whose name has ``only`` in it; gives the cells of their rows, by name."""
    import sim
    from sim.results.metrics import BY_NAME
    from sim.study.stats import pair
    from sim.study.wording import say_difference, say_interval

    shared = {"merchants.number": merchants, "calendar.days": DAYS}
    found: dict[str, list[str]] = {}
    for one in MECHANISMS:
        if only not in one.name:
            continue
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
            if BY_NAME[name].unit == "days":  # a change in per cent hides how many days it is
                interval += f" of {mean(value for value in by_arm[0] if value is not None):.1f} days"
            clear = "" if paired.is_clear or paired.difference is None else "; not told from chance"
            cells.append(f"`{name}` {say_difference(BY_NAME[name], paired)} {interval}{clear}".strip())
        found[one.name] = cells
        print(f"{one.name}: {'; '.join(cells)}", flush=True)
    return found


def known() -> dict[str, list[str]]:
    """The cells of the page as it is, by name."""
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {row[0].removeprefix("| "): row[1].split("<br>") for row in rows if len(row) > 4}


def page(rows: Mapping[str, Iterable[str]], seeds: int, merchants: int) -> str:
    """The page, in Markdown."""
    is_old = any(cell.endswith("°") for cells in rows.values() for cell in cells)
    lines = [
        "# What every mechanism does",
        "",
        f"Measured by `experiments/mechanisms.py`: `{SCENARIO}` with {merchants:,} merchants over {DAYS} days,",
        f"each switch off and on in the same {seeds} worlds; on less off, with the 95 % interval of the",
        "difference. *Set* says that the setting alone decides the effect, *found* that merchants had to answer",
        "it, *fitted* that the source set a parameter, so that to agree with it is no finding. What a source states",
        "is a sign or an order of magnitude, mostly of another market; nothing else here was fitted. Some switches",
        "need a world of their own to show: one in which money is short, or in which",
        "many would rather not pay (the script says which). An interval of [0, 0] says that the switch did",
        "nothing in these worlds: nobody repaid a first loan within three days, for one.",
        *(["A row with ° was measured on an earlier version: effects may differ by a little."] if is_old else []),
        "",
        "| mechanism | measured effect | kind | stated | source |",
        "|---|---|---|---|---|",
    ]
    for one in MECHANISMS:
        cells = "<br>".join(rows.get(one.name, ["not measured yet"]))
        lines.append(f"| {one.name} | {cells} | {one.kind} | {one.stated} | {one.source} |")
    _, head, section = PAGE.read_text(encoding="utf-8").partition("\n## ")  # by_risk.py writes it
    return "\n".join(lines) + "\n" + head + section


def main() -> int:
    """Measure, and write the page."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    words.add_argument("--seeds", type=int, default=8)
    words.add_argument("--merchants", type=int, default=2000)
    words.add_argument("--only", default="", help="measure only rows with this in their name; the others stay")
    given = words.parse_args()
    rows = (known() if given.only else {}) | measured(given.seeds, given.merchants, given.only)
    PAGE.write_text(page(rows, given.seeds, given.merchants), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
