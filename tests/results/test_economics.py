"""Unit economics: the published arithmetic, and the twelve loans worked out on paper."""

from __future__ import annotations

import pytest
from paper_run import PaperLoan, build, busy_run, manifest, no_credit_run, scenario, twelve_run
from test_metrics import BALANCE_DAYS

from sim.results.economics.unit import (
    PRODUCT_MEASURES,
    break_even_default_rate,
    break_even_rate,
    loan_profit,
)
from sim.results.report import render
from sim.results.run import Run

FUNDS = 0.07 / 365


def test_the_loans_of_facts_a3() -> None:
    """An order loan of 6,400 yuan for 10.4 days earns 33 yuan, a credit loan of 32,000 for 62 days 1,190."""
    order, credit = (6_400, 10.4, 0.0005), (32_000, 62, 0.0006)
    assert round(loan_profit(*order, funding=0, default=0, lgd=0.6, cost=0)) == 33
    assert round(loan_profit(*credit, funding=0, default=0, lgd=0.6, cost=0), -1) == 1_190
    for cost, percent in ((0, 0.53), (2, 0.48), (20, 0.01)):
        bearable = break_even_default_rate(*order, funding=FUNDS, lgd=0.6, cost=cost)
        assert round(100 * bearable, 2) == percent  # type: ignore[operator]
    assert round(100 * break_even_default_rate(*credit, funding=FUNDS, lgd=0.6, cost=0)) == 4  # type: ignore[operator]


def test_at_break_even_a_loan_earns_nothing() -> None:
    default = break_even_default_rate(6_400, 10.4, 0.0005, FUNDS, 0.6, 2)
    assert loan_profit(6_400, 10.4, 0.0005, FUNDS, default or 1, 0.6, 2) == pytest.approx(0, abs=1e-9)
    rate = break_even_rate(6_400, 10.4, FUNDS, 0.003, 0.6, 2)
    assert loan_profit(6_400, 10.4, rate or 1, FUNDS, 0.003, 0.6, 2) == pytest.approx(0, abs=1e-9)


def test_no_break_even() -> None:
    assert break_even_default_rate(6_400, 10.4, 0.0001, FUNDS, 0.6, 0) is None  # dearer money than the loan earns
    assert break_even_default_rate(0, 10, 0.0005, 0, 0.6, 0) is None
    assert break_even_rate(6_400, 10, 0, 1.0, 0.6, 0) is None
    assert break_even_rate(6_400, 0, 0, 0.1, 0.6, 0) is None


#: The order loans of the twelve whose outcome is known: 1, 3, 4, 5, 6, 7, 9 and 10.
PRINCIPAL = 10_000 + 8_000 + 6_000 + 4_000 + 5_000 + 9_000 + 7_000 + 8_000
REPAID_DAYS = 26 * 10_000 + 15 * 8_000 + 41 * 5_000 + 65 * 9_000 + 103 * 7_000 + 24 * 8_000
YUAN_DAYS = REPAID_DAYS + 150 * 6_000 + 150 * 4_000
COSTS = {1: 130, 3: 60 - 4, 6: 75 + 41.25, 7: 135 + 236.25, 9: 105 + 383.25, 10: 96}
LOSS = 6_000 - 500 + 4_000 - 1_000
LIFE = YUAN_DAYS / PRINCIPAL
FUNDING = 151 * 4 / BALANCE_DAYS  # of a yuan and day
A_LOAN = 1_510 / 8  # operating cost
REPAID = {1: (10_000, 26), 3: (8_000, 15), 6: (5_000, 41), 7: (9_000, 65), 9: (7_000, 103), 10: (8_000, 24)}
RATES = [(1 + COSTS[n] / yuan) ** (365 / days) - 1 for n, (yuan, days) in REPAID.items()]
LOST = [(500 / 6_000) ** (365 / 150) - 1, (1_000 / 4_000) ** (365 / 150) - 1]
MEAN = PRINCIPAL / 8
EXPECTED = {
    "n_loans": 7,
    "n_matured": 8,
    "principal_mean": MEAN,
    "life_mean_days": LIFE,
    "rate_mean_ppm_year": 182_500,
    "default_rate": 10_000 / PRINCIPAL,
    "income_per_loan": sum(COSTS.values()) / 8,
    "funding_cost_per_loan": YUAN_DAYS * FUNDING / 8,
    "operating_cost_per_loan": A_LOAN,
    "loss_per_loan": LOSS / 8,
    "profit_per_loan": (sum(COSTS.values()) - YUAN_DAYS * FUNDING - LOSS) / 8 - A_LOAN,
    "break_even_default_rate": (MEAN * LIFE * (0.0005 - FUNDING) - A_LOAN) / (MEAN * (0.6 + 0.0005 * LIFE)),
    "break_even_rate_ppm_year": 365e6
    * (10_000 / PRINCIPAL * 0.6 / LIFE + FUNDING + A_LOAN / (MEAN * LIFE))
    / (1 - 10_000 / PRINCIPAL),
    "apr_borrower": sum(COSTS.values()) * 365 / REPAID_DAYS,
    "irr_borrower": sum(RATES) / 6,
    "irr_lender": sum(RATES + LOST) / 8,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_product_on_paper(name: str) -> None:
    assert twelve_run().economics["ali"]["order_loan"][name] == pytest.approx(EXPECTED[name], rel=1e-12)


def test_all_loans_as_one_on_paper() -> None:
    rate = twelve_run().economics["ali"]["order_loan"]["irr_pooled"]
    opened = {1: 10, 3: 46, 6: 70, 7: 92, 9: 111, 10: 153, 4: 61, 5: 5}  # days of the year
    back = {n: (opened[n] + days, yuan + COSTS[n]) for n, (yuan, days) in REPAID.items()}
    back |= {4: (opened[4] + 150, 500), 5: (opened[5] + 150, 1_000)}
    lent = {n: yuan for n, (yuan, _) in REPAID.items()} | {4: 6_000, 5: 4_000}
    flows = [(opened[n], -yuan) for n, yuan in lent.items()] + list(back.values())
    assert sum(yuan / (1 + float(rate or 0)) ** (at / 365) for at, yuan in flows) == pytest.approx(0, abs=1e-2)


def test_a_product_without_a_known_outcome_has_its_count_alone() -> None:
    line = twelve_run().economics["ali"]["revolving_line"]
    assert {name: value for name, value in line.items() if value is not None} == {"n_loans": 1, "n_matured": 0}


def test_what_is_still_unpaid_is_lost_but_for_what_comes_back() -> None:
    loans = [
        PaperLoan(1, 1, "2012-01-10", 10_000, "2012-02-09", "2012-02-05"),
        PaperLoan(2, 2, "2012-01-20", 5_000, "2012-02-19", None, write_off_after=400),
    ]
    tables = build(loans, "2012-01-01", "2012-12-31")
    run = Run.from_tables(tables, manifest("2012-01-01", "2012-12-31"), scenario())
    assert run.economics["ali"]["order_loan"]["loss_per_loan"] == 0.6 * 5_000 / 2


def test_every_quantity_is_there_and_says_what_it_is() -> None:
    found = twelve_run().economics["ali"]
    assert list(found) == ["order_loan", "revolving_line"]
    names = [one.name for one in PRODUCT_MEASURES]
    assert len(set(names)) == len(names)
    assert all(list(values) == names for values in found.values())
    assert set(names) == set(EXPECTED) | {"irr_pooled"}
    assert all(one.label and one.unit and one.formula and one.source for one in PRODUCT_MEASURES)


def test_each_lender_has_its_own() -> None:
    run = busy_run(("ali", "bank"), n_loans=200)
    assert list(run.economics) == ["ali", "bank"]
    counts = {who: sum(values["n_loans"] or 0 for values in of.values()) for who, of in run.economics.items()}
    assert counts == {who: run.summaries[who]["n_loans"] for who in ("ali", "bank")}
    assert no_credit_run().economics == {}


def test_the_report_tables_them_and_says_which_product_is_too_young() -> None:
    page = render(twelve_run())
    table = page[page.index("Unit economics") : page.index('id="notes"')]
    for label, cells in (("Loans in the window", "7 1"), ("Mean loan", "7,125 yuan/not defined")):
        row = table[table.index(f'<th scope="row">{label}</th>') :].partition("</tr>")[0]
        assert all(f">{cell}</td>" in row for cell in (cells.split("/") if "/" in cells else cells.split()))
    assert "Of revolving line there is none: the run is too short." in table
    assert all(one.label in table for one in PRODUCT_MEASURES)
    assert "Unit economics" not in render(no_credit_run())
