"""A little lender worked out on paper, and a busy one: loans in, the tables of a finished run out.

The builder follows the rules of the house in the plainest way (one loan after another, one array slice a fact), so that
it can be checked by eye. It shares no line with the code under test.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sim.results.run import Run
from sim.results.store import new_manifest

PROVISIONS = (0.01, 0.02, 0.25, 0.5, 1.0)
BUCKETS = ("current", "1_30", "31_60", "61_90", "90_plus")


def day(text: str) -> datetime.date:
    """Read `2012-02-01`."""
    return datetime.date.fromisoformat(text)


@dataclass(frozen=True)
class PaperLoan:
    """One loan: yuan in, dates as text. `paid` is the day of payoff, None if it never was."""

    loan_id: int
    merchant_id: int
    opened: str
    yuan: int
    due: str
    paid: str | None = None
    product: str = "order_loan"
    ppm: int = 182_500
    lender: str = "ali"
    restructured: bool = False
    refunded_yuan: int = 0
    recovered: tuple[tuple[str, int], ...] = ()
    write_off_after: int = 120


def build(
    loans: list[PaperLoan],
    start: str,
    end: str,
    *,
    lenders: tuple[str, ...] = ("ali",),
    sales_yuan: np.ndarray | None = None,
    equity_yuan: int = 100_000,
    debt_yuan: int = 20_000,
    funds_yuan: int = 150_000,
) -> dict[str, pa.Table]:
    """Return the tables of a run whose book is these loans. Interest runs from the day after the draw to the due."""
    first = day(start)
    n_days = (day(end) - first).days + 1
    dates = np.array([first + datetime.timedelta(days=k) for k in range(n_days)], dtype="datetime64[D]")
    sales = np.full(n_days, 1_000) if sales_yuan is None else sales_yuan
    tape, months, days_of = [], [], {}
    for lender in lenders or ("",):
        columns = {name: np.zeros(n_days, dtype=np.int64) for name in DAILY}
        seen: set[int] = set()
        for loan in sorted((loan for loan in loans if loan.lender == lender), key=lambda loan: loan.opened):
            tape.append(_lay(loan, columns, first, n_days, months, loan.merchant_id not in seen))
            if loan.merchant_id not in seen:
                columns["customers_new"][(day(loan.opened) - first).days] += 1
            seen.add(loan.merchant_id)
        if lender:
            _close_days(columns, equity_yuan, debt_yuan, funds_yuan)
        columns["merchant_sales_fen"] = np.asarray(sales * 100, dtype=np.int64)
        columns["merchants_active"][:] = 50
        days_of[lender] = columns
    n = len(days_of)
    daily = {"date": np.repeat(dates, n), "lender": np.array(list(days_of) * n_days)}
    daily |= {name: np.stack([days_of[who][name] for who in days_of], axis=1).ravel() for name in DAILY}
    return {
        "daily": pa.table(daily),
        "loans": pa.Table.from_pylist(sorted(tape, key=lambda row: row["loan_id"]), schema=LOANS),
        "loan_months": pa.Table.from_pylist(
            sorted(months, key=lambda row: (row["month_end"], row["loan_id"])), schema=MONTHS
        ),
        "applications": pa.table({"date": dates[:0], "lender": np.array([], dtype=str)}),
        "merchants": pa.table({"merchant_id": np.arange(1, 51), "sales_fen": np.full(50, int(sales.sum()) * 2)}),
    }


def _lay(
    loan: PaperLoan,
    columns: dict[str, np.ndarray],
    first: datetime.date,
    n_days: int,
    months: list[dict],
    is_first: bool,
) -> dict[str, object]:
    """Write one loan into the days it lived through; return its row of the tape."""

    def at(date: datetime.date | str) -> int:
        return ((day(date) if isinstance(date, str) else date) - first).days

    fen, opened, due = loan.yuan * 100, at(loan.opened), at(loan.due)
    written_off = due + loan.write_off_after if loan.paid is None else n_days
    gone = min(at(loan.paid) if loan.paid else n_days, written_off, n_days)
    alive = np.arange(opened, gone)
    age = np.maximum(alive - due, 0)
    columns["disbursed_fen"][opened] += fen
    columns["n_loans"][opened] += 1
    columns["applications"][opened] += 2
    columns["approvals"][opened] += 1
    columns["accepted"][opened] += 1
    columns["n_active"][alive] += 1
    columns["balance_fen"][alive] += fen
    bucket = np.searchsorted([0, 30, 60, 89], age, side="left")
    for place, name in enumerate(BUCKETS):
        columns[f"balance_{name}_fen"][alive[bucket == place]] += fen
    is_healthy = (age <= 30) & (not loan.restructured)
    columns["balance_performing_fen"][alive[is_healthy]] += fen
    columns["balance_restructured_fen"][alive] += fen * loan.restructured
    a_day = round(fen * loan.ppm / 365 / 1_000_000)
    accruing = slice(opened + 1, min(due, at(loan.paid) if loan.paid else due, n_days - 1) + 1)
    columns["interest_fen"][accruing] += a_day
    interest, penalty, refunded = 0, 0, loan.refunded_yuan * 100
    if loan.paid is None and due + 90 < n_days:
        columns["interest_fen"][due + 90] -= a_day * (due - opened)
    is_closed = loan.paid is not None and gone < n_days
    if is_closed:
        interest = a_day * (min(due, gone) - opened)
        penalty = round(1.5 * a_day * max(gone - due, 0))
        columns["interest_paid_fen"][gone] += interest
        columns["penalty_paid_fen"][gone] += penalty
        columns["refunded_fen"][gone] += refunded
        columns["principal_repaid_fen"][gone] += fen
    is_lost = loan.paid is None and written_off < n_days
    if is_lost:
        columns["written_off_fen"][written_off] += fen
    for date, yuan in loan.recovered:
        columns["recovered_fen"][at(date)] += yuan * 100
    for place in alive:
        date = first + datetime.timedelta(days=int(place))
        if (date + datetime.timedelta(days=1)).day == 1:
            months.append({"month_end": date, "loan_id": loan.loan_id, "lender": loan.lender, "balance_fen": fen,
                           "dpd": max(int(place) - due, 0)})  # fmt: skip
    late = max(gone - due - (0 if is_closed or is_lost else 1), 0)
    return {
        "loan_id": loan.loan_id, "lender": loan.lender, "merchant_id": loan.merchant_id, "product": loan.product,
        "opened": day(loan.opened), "principal_fen": fen, "rate_ppm_year": loan.ppm, "due": day(loan.due),
        "closed": first + datetime.timedelta(days=gone) if is_closed or is_lost else None,
        "status": "closed" if is_closed else "written_off" if is_lost else "active",
        "principal_paid_fen": fen * is_closed, "interest_paid_fen": interest, "penalty_paid_fen": penalty,
        "refunded_fen": refunded, "written_off_fen": fen * is_lost,
        "recovered_fen": 100 * sum(yuan for _, yuan in loan.recovered), "max_dpd": late,
        "restructured": loan.restructured, "is_first": is_first,
        "first_due": first + datetime.timedelta(days=min(gone, due)) if is_closed else day(loan.due),
        "first_due_unpaid_days": late, "dpd": 0 if is_closed or is_lost else late,
        "balance_fen": 0 if is_closed or is_lost else fen,
    }  # fmt: skip


def _close_days(columns: dict[str, np.ndarray], equity: int, debt: int, funds: int) -> None:
    """Fill the columns that follow from the book: allowance, customers, money. The owner keeps own money level."""
    shares = (round(100 * share) for share in PROVISIONS)
    columns["allowance_fen"] += sum(
        columns[f"balance_{name}_fen"] * share // 100 for name, share in zip(BUCKETS, shares, strict=True)
    )
    columns["customers"] += np.cumsum(columns["customers_new"])
    for name, yuan in (("equity", equity), ("bank_debt", debt), ("funds", funds), ("limit_total", 200_000)):
        columns[f"{name}_fen"][:] = yuan * 100
    columns["funding_cost_fen"][:] = debt * 2 // 100
    columns["operating_cost_fen"][:] = equity // 100


DAILY = (
    "disbursed_fen", "n_loans", "n_active", "balance_fen", "interest_fen", "interest_paid_fen", "penalty_paid_fen",
    "refunded_fen", "principal_repaid_fen", "written_off_fen", "recovered_fen", "balance_current_fen",
    "balance_1_30_fen", "balance_31_60_fen", "balance_61_90_fen", "balance_90_plus_fen", "balance_restructured_fen",
    "balance_performing_fen", "customers", "customers_active", "customers_new", "funds_fen", "cash_fen",
    "bank_debt_fen", "equity_fen", "funding_cost_fen", "operating_cost_fen", "provision_fen", "allowance_fen",
    "applications", "approvals", "accepted", "rejected_funds", "limit_total_fen", "merchant_sales_fen",
    "merchants_active", "merchant_exits",
)  # fmt: skip
_FEN, _DATE = pa.int64(), pa.date32()
LOANS = pa.schema(
    {
        "loan_id": _FEN, "lender": pa.string(), "merchant_id": _FEN, "product": pa.string(), "opened": _DATE,
        "principal_fen": _FEN, "rate_ppm_year": _FEN, "due": _DATE, "closed": _DATE, "status": pa.string(),
        "principal_paid_fen": _FEN, "interest_paid_fen": _FEN, "penalty_paid_fen": _FEN, "refunded_fen": _FEN,
        "written_off_fen": _FEN, "recovered_fen": _FEN, "max_dpd": _FEN, "restructured": pa.bool_(),
        "is_first": pa.bool_(), "first_due": _DATE, "first_due_unpaid_days": _FEN, "dpd": _FEN, "balance_fen": _FEN,
    }
)  # fmt: skip
MONTHS = pa.schema({"month_end": _DATE, "loan_id": _FEN, "lender": pa.string(), "balance_fen": _FEN, "dpd": _FEN})

LINE = {"product": "revolving_line", "ppm": 219_000}
#: The twelve loans. Eight of them (3, 4, 6 to 11) open in the report window, February to June 2012.
TWELVE = [
    PaperLoan(1, 1, "2012-01-10", 10_000, "2012-02-09", "2012-02-05"),
    PaperLoan(2, 2, "2012-01-20", 50_000, "2012-07-18", "2012-03-20", **LINE),
    PaperLoan(3, 1, "2012-02-15", 8_000, "2012-03-16", "2012-03-01", refunded_yuan=4),
    PaperLoan(4, 3, "2012-03-01", 6_000, "2012-03-31", None, recovered=(("2012-09-01", 500),)),
    PaperLoan(5, 4, "2012-01-05", 4_000, "2012-02-04", None, recovered=(("2012-06-20", 1_000),)),
    PaperLoan(6, 5, "2012-03-10", 5_000, "2012-04-09", "2012-04-20"),
    PaperLoan(7, 6, "2012-04-01", 9_000, "2012-05-01", "2012-06-05"),
    PaperLoan(8, 2, "2012-04-02", 40_000, "2012-09-29", "2012-10-15", **LINE),
    PaperLoan(9, 7, "2012-04-20", 7_000, "2012-05-20", "2012-08-01", restructured=True),
    PaperLoan(10, 1, "2012-06-01", 8_000, "2012-07-01", "2012-06-25"),
    PaperLoan(11, 8, "2012-06-20", 12_000, "2012-07-20", "2012-07-10"),
    PaperLoan(12, 9, "2012-07-15", 3_000, "2012-08-14", "2012-08-01"),
]
START, END, FROM, TO = "2012-01-01", "2012-09-30", "2012-02-01", "2012-06-30"


def manifest(report_from: str = FROM, report_to: str = TO, lenders: tuple[str, ...] = ("ali",), **more: object) -> dict:
    """Return a manifest of a run about to start."""
    head = {"scenario_hash": "5ce0", "world_hash": "3041d", "seed": 7, "time_used": {"wall_seconds": 1.5}}
    head["code_version"] = "0.1.0+test"  # whoever edits a source while the tests run would change the real one
    return new_manifest(**(head | {"report_from": report_from, "report_to": report_to, "lenders": lenders} | more))


def scenario(**more: object) -> dict:
    """Return a resolved scenario, as far as results read it."""
    return {
        "about": {"title": "Twelve loans", "question": "Does it add up?", "lesson": "By hand.", "source": "paper"},
        "calendar": {"start": START, "end": END, "report_from": FROM, "report_to": TO},
        "merchants": {"number": 50, "preset": "taobao_2012"},
        "events": {"spring_sale": {"date": "2012-03-08", "kind": "promotion", "lift": 2.0}},
        "lenders": {"ali": {"equity": "100,000 yuan", "products": {"order_loan": {"rate": "0.05 %/day"}}}},
    } | more


def twelve_tables() -> dict[str, pa.Table]:
    """Return the tables of the twelve loans, with some applications and exits put in by hand."""
    n_days = (day(END) - day(START)).days + 1
    sales = np.where(np.arange(n_days) < (day("2012-04-17") - day(START)).days, 1_000, 1_100)
    tables = build(TWELVE, START, END, sales_yuan=sales)
    daily = {name: tables["daily"][name].to_numpy().copy() for name in DAILY}
    place = {date: (day(date) - day(START)).days for date in ("2012-03-05", "2012-04-15", "2012-05-05", "2012-07-05")}
    daily["applications"][place["2012-04-15"]] += 4
    daily["approvals"][place["2012-04-15"]] += 3
    daily["rejected_funds"][place["2012-04-15"]] += 2
    for date, n in (("2012-03-05", 1), ("2012-05-05", 2), ("2012-07-05", 1)):
        daily["merchant_exits"][place[date]] += n
    tables["daily"] = pa.table(
        {"date": tables["daily"]["date"], "lender": tables["daily"]["lender"], **{n: daily[n] for n in DAILY}}
    )
    return tables


def twelve_run() -> Run:
    """Return the twelve loans as a run in memory."""
    return Run.from_tables(twelve_tables(), manifest(), scenario())


def no_credit_run() -> Run:
    """Return the same market without a lender."""
    tables = build([], START, END, lenders=())
    return Run.from_tables(tables, manifest(lenders=()), scenario(lenders={}))


def busy_run(lenders: tuple[str, ...] = ("ali",), n_loans: int = 600, years: float = 2.25) -> Run:
    """Return a run with many loans, late ones and lost ones, for pictures and the report."""
    draw = np.random.default_rng(11)
    first, n_days = day("2010-06-01"), int(365 * years)
    last = first + datetime.timedelta(days=n_days - 1)
    loans = []
    for number in range(1, n_loans + 1):
        is_line = number % 8 == 0
        # More and more loans a day: the square root of a uniform.
        opened = first + datetime.timedelta(days=int(n_days * np.sqrt(draw.random())))
        opened = min(opened, last)
        term = 180 if is_line else 30
        late = draw.choice([0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 20, 45, 75])
        life = int(draw.integers(20, 120) if is_line else draw.integers(2, 25)) if late == 0 else term + int(late)
        paid = None if draw.random() < 0.02 else str(opened + datetime.timedelta(days=life))
        loans.append(
            PaperLoan(
                number, int(draw.integers(1, 120)), str(opened), int(draw.integers(20, 160)) * 100,
                str(opened + datetime.timedelta(days=term)), paid, lender=lenders[number % len(lenders)],
                **(LINE if is_line else {}),
            )
        )  # fmt: skip
    wave = 1 + 0.15 * np.sin(np.arange(n_days) / 58) + 0.1 * (np.arange(n_days) % 7 == 5)
    sales = np.round(40_000 * wave * (1 + np.arange(n_days) / n_days)).astype(np.int64)
    sales[(day("2011-11-11") - first).days] *= 3
    sales = sales[:n_days]
    tables = build(loans, str(first), str(last), lenders=lenders, sales_yuan=sales, equity_yuan=320_000,
                   debt_yuan=60_000, funds_yuan=480_000)  # fmt: skip
    window = (str(first + datetime.timedelta(days=n_days // 3)), str(last - datetime.timedelta(days=45)))
    events = {
        "double_eleven": {"date": "2011-11-11", "kind": "promotion", "lift": 3},
        "double_twelve": {"date": "2011-12-12", "kind": "promotion", "lift": 1.5},
        "dry_spring": {"date": "2012-03-01", "kind": "recession", "size": 0.2, "days": 40},
    }
    told = scenario(
        about={"title": "A busy lender & his <rivals>", "question": "What does a lender earn on short loans?",
               "lesson": "Small, short, often; the loss is in the tail.", "source": "made up for tests"},
        events=events,
        lenders={who: scenario()["lenders"]["ali"] for who in lenders},
    )  # fmt: skip
    provenance = {"merchants.number": "base.yaml:4", "lenders.ali.equity": "--set", "calendar.start": "default"}
    return Run.from_tables(tables, manifest(*window, lenders=lenders, provenance=provenance), told)
