"""``lendsim schedule``: what it prints, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sim.app.cli import app

ANNUITY = ("--product", "annuity", "--principal", "100000", "--rate", "1.5 %/month", "--periods", "12")
ROW = ["n", "date", "principal", "interest", "penalty", "fee", "payment", "balance"]


def schedule(*words: str) -> Result:
    return CliRunner().invoke(app, ["schedule", *words])


def printed(*words: str) -> dict[str, Any]:
    done = schedule(*words, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_the_rows_of_the_contract() -> None:
    found = printed(*ANNUITY, "--start", "2012-01-31")
    assert set(found) == {"summary", "rows"}
    assert [list(row)[:8] for row in found["rows"]] == [ROW] * 12
    first = {"n": 1, "date": "2012-02-29", "principal": 7668.0, "interest": 1500.0, "payment": 9168.0}
    assert first.items() <= found["rows"][0].items()
    assert found["summary"]["total_interest"] == 10015.99
    assert found["summary"]["apr"] == pytest.approx(0.18, abs=1e-6)
    assert found["rows"][-1]["balance"] == 0


def test_a_person_reads_the_plan_and_its_cost() -> None:
    done = schedule(*ANNUITY, "--start", "2012-01-31")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("annuity: 100,000.00 yuan at 1.5 %/month, 12 months from 2012-01-31; a month costs")
    assert sum(line.lstrip().startswith(tuple("123456789")) for line in lines[1:]) == 12
    assert [line.split() for line in lines[-5:]] == [
        ["instalment", "9,168.00", "yuan"],
        ["interest", "10,015.99", "yuan"],
        ["paid", "in", "all", "110,015.99", "yuan"],
        ["APR,", "nominal", "18.00%", "a", "year"],
        ["effective", "rate", "19.56%", "a", "year"],
    ]


def test_payments_come_early_late_or_not_at_all() -> None:
    found = printed(
        "--product", "order_loan", "--principal", "10,000.00", "--rate", "0.05 %/day", "--periods", "30",
        "--pay", "2012-01-11=5000", "--pay", "2012-01-31=0", "--pay", "2012-02-20=9000",
    )  # fmt: skip
    rows = found["rows"]
    assert [row["interest"] for row in rows] == [50.0, 0.0, 50.5]
    assert [row["penalty"] for row in rows] == [0.0, 0.0, 75.75]  # 1.5 x 0.05 % x 20 days of 5,050, all of it overdue
    assert rows[-1]["excess"] == pytest.approx(9000 - rows[-1]["payment"])
    assert found["summary"]["end"] == "2012-02-20"


def test_what_is_still_owed_is_said() -> None:
    done = schedule(*ANNUITY, "--pay", "2013-01-01=0")
    assert "still owed          9,167.99 yuan\n" in done.stdout  # the last instalment, which has the residue


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rate", "1.5"), "--rate: '1.5' is a bare number; write a rate with its period"),
        (("--product", "annuty"), "there is no product 'annuty'; products are order_loan,"),
        (("--principal", "0"), "the principal must be more than nothing"),
        (("--principal", "-5"), "--principal: '-5 yuan' is negative"),
        (("--pay", "2012-02-30=5"), "--pay: '2012-02-30' is not a day; write it as 2012-01-31"),
        (("--pay", "2012-02-20"), "--pay: '2012-02-20' is not a payment; write DATE=YUAN"),
        (("--pay", "2011-02-20=5"), "a payment on 2011-02-20, before the payout on 2012-01-01"),
        (("--prepayment", "longer"), "prepayment 'longer'; it is one of shorter, smaller"),
        (("--product", "sales_share", "--rate", "0 %/year"), "a share of sales needs the sales of a day"),
        (("--fee", "2"), "--fee: '2' is not a share; write a percentage"),
        (("--late-fee", "-2 yuan"), "--late-fee: '-2 yuan' is negative"),
        (("--late-fee", "2 %"), "--late-fee: '2 %' is not an amount"),
        (("--sales", "200", "--share", "10 %"), "annuity is not repaid by a share of sales; leave --sales and --share"),
        (("--product", "warehouse", "--sales", "200", "--share", "10 %"), "warehouse is not repaid by a share of sal"),
        (("--product", "purchase_order", "--share", "10 %"), "a share of sales needs the sales of a day (--sales) and"),
        (("--product", "purchase_order", "--sales", "9", "--share", "101 %"), "a share of 101 % is more than all"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: tuple[str, ...], said: str) -> None:
    given = dict(zip(ANNUITY[::2], ANNUITY[1::2], strict=True)) | dict(zip(words[::2], words[1::2], strict=True))
    done = schedule(*(word for pair in given.items() for word in pair))
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_rate_is_needed_but_for_a_share_of_sales() -> None:
    done = schedule("--product", "annuity", "--principal", "5", "--periods", "6")
    assert (done.exit_code, done.stderr.partition(";")[0]) == (2, "--rate: is missing")
    share = ("--fee", "14 %", "--share", "14 %", "--sales", "2000")
    found = printed("--product", "sales_share", "--principal", "10000", "--periods", "365", *share)
    assert (len(found["rows"]), found["summary"]["total_paid"]) == (41, 11400.0)


ORDERS = ("--product", "purchase_order", "--principal", "10000", "--rate", "0.05 %/day", "--periods", "60")


def test_a_late_fee_stands_in_its_column() -> None:
    late = ("--pay", "2012-03-01=0", "--pay", "2012-03-05=20000", "--late-fee", "20 yuan", "--grace")
    rows = printed(*ORDERS, *late, "3")["rows"]
    assert [row["fee"] for row in rows] == [0.0, 20.0]
    assert printed(*ORDERS, *late, "4")["summary"]["total_fee"] == 0.0
    done = schedule(*ORDERS, *late, "3")
    assert "fee                 20.00 yuan\n" in done.stdout


def test_an_advance_on_orders_is_swept_if_sales_are_given() -> None:
    whole, swept = printed(*ORDERS), printed(*ORDERS, "--share", "30 %", "--sales", "1000")
    assert [row["payment"] for row in whole["rows"]] == [10_300.0]
    assert [row["payment"] for row in swept["rows"][:2]] == [300.0, 300.0]
    assert (swept["rows"][0]["interest"], swept["rows"][0]["principal"]) == (5.0, 295.0)
    assert swept["summary"]["end"] == "2012-02-04"
