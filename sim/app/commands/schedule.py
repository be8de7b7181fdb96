"""``lendsim schedule``: the plan of any product, and where each payment goes."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sim.app import show
from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson

if TYPE_CHECKING:
    from sim.lenders.account import LoanTerms

_PLAIN = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9])?)\s*%")


def schedule(
    product: Annotated[str, typer.Option("--product", metavar="ID", help="Such as annuity.", show_default=False)],
    principal: Annotated[str, typer.Option("--principal", metavar="YUAN", help="Paid out.", show_default=False)],
    periods: Annotated[
        int, typer.Option("--periods", metavar="N", min=1, max=36_500, help="Months, or days (see below).")
    ],
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="R", help="Such as '1.5 %/month'.", show_default=False)
    ] = None,
    start: Annotated[str, typer.Option("--start", metavar="DATE", help="Day of the payout.")] = "2012-01-01",
    pay: Annotated[
        list[str] | None,
        typer.Option("--pay", metavar="DATE=YUAN", help="A payment; may be repeated.", show_default=False),
    ] = None,
    prepayment: Annotated[
        str, typer.Option("--prepayment", metavar="EFFECT", help="Of paying early: shorter, or smaller instalments.")
    ] = "shorter",
    grace: Annotated[int, typer.Option("--grace", metavar="DAYS", min=0, help="Days without penalty.")] = 0,
    penalty: Annotated[
        float, typer.Option("--penalty", metavar="X", min=0, max=10, help="Penalty rate over the contract rate.")
    ] = 1.5,
    holidays: Annotated[
        str, typer.Option("--holidays", metavar="RULE", help="Of a due date on one: none, or next_day.")
    ] = "none",
    compound: Annotated[bool, typer.Option("--compound", help="Penalty on overdue interest too.")] = False,
    misuse: Annotated[
        str | None,
        typer.Option("--misuse", metavar="DATE", help="Money found to be misused: 1.5 times the rate from then on."),
    ] = None,
    fee: Annotated[str, typer.Option("--fee", metavar="SHARE", help="Of the principal, such as '2 %'.")] = "0 %",
    late_fee: Annotated[
        str, typer.Option("--late-fee", metavar="YUAN", help="For every due date missed beyond its days of grace.")
    ] = "0 yuan",
    first: Annotated[bool, typer.Option("--first", help="The borrower's first loan: refund within 3 days.")] = False,
    sales: Annotated[
        str | None,
        typer.Option(
            "--sales", metavar="YUAN", help="A day's sales, for sales_share or purchase_order.", show_default=False
        ),
    ] = None,
    share: Annotated[
        str | None, typer.Option("--share", metavar="SHARE", help="Of sales that is paid.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the plan of a loan and what it costs a year.

    Each instalment is paid on its day unless --pay names that day: 0 misses it. Payments on other days come early or
    late. What stays unpaid is paid with the next instalment, after the last one only by --pay. Periods are months;
    days for order_loan, purchase_order, warehouse and sales_share.

    With --sales and --share a purchase_order is repaid by that share of every day's sales, interest to date first,
    before its time or late, unless --pay names the day; without them it is due as a whole. A warehouse loan always is
    here: when its stock is released depends on what the shop sells.

    \b
    Example:  lendsim schedule --product annuity --principal 100000 --rate "1.5 %/month" --periods 12
              lendsim schedule --product order_loan --principal 5000 --rate "0.05 %/day" --periods 30
                --pay 2012-01-31=0 --pay 2012-02-20=6000
              lendsim schedule --product sales_share --principal 10000 --periods 365 --fee "14 %"
                --share "14 %" --sales 2000
              lendsim schedule --product purchase_order --principal 10000 --rate "0.05 %/day" --periods 60
                --share "30 %" --sales 1000 --late-fee "20 yuan"
    """
    with ending():
        from sim.core.money import parse_rate, round_half_up
        from sim.lenders.account import LoanTerms
        from sim.lenders.schedule import live

        if rate is None and product != "sales_share":
            _refused("--rate", "is missing; write a rate with its period, such as '0.05 %/day' or '1.5 %/month'")
        principal_fen = _yuan("--principal", principal)
        try:
            terms = LoanTerms(
                product=product,
                principal_fen=principal_fen,
                rate=_read("--rate", parse_rate, rate or "0 %/year"),
                periods=periods,
                start=_day("--start", start),
                prepayment=prepayment,
                penalty_permille=round(penalty * 1000),
                grace_days=grace,
                holidays=holidays,
                compounds=compound,
                misuse_from=_day("--misuse", misuse) if misuse else None,
                fee_fen=round_half_up(principal_fen * _permille("--fee", fee), 1000),
                is_first=first,
                daily_sales_fen=_yuan("--sales", sales) if sales else 0,
                sales_permille=_permille("--share", share) if share else 0,
                late_fee_fen=_yuan("--late-fee", late_fee),
            )
            account, rows = live(terms, [_payment(text) for text in pay or []])
        except ValueError as error:
            raise refuse(f"schedule: {error}") from None
        _show(terms, account, rows, as_json)


def _show(terms: LoanTerms, account: Any, rows: list[Any], as_json: bool) -> None:
    from sim.lenders.instalments import PLANS
    from sim.lenders.schedule import summarise

    summary = summarise(terms, account, rows)
    if as_json:
        show.print_json({"summary": summary, "rows": [row.in_yuan() for row in rows]})
        return
    show.print_schedule(summary, rows, PLANS[terms.product].unit)


def _yuan(option: str, text: str) -> int:
    from sim.core.money import parse_money

    plain = text.strip()
    fen: int = _read(option, parse_money, f"{plain} yuan" if _PLAIN.fullmatch(plain) else plain)
    return fen


def _permille(option: str, text: str) -> int:
    found = _PERCENT.fullmatch(text.strip())
    if found is None or float(found[1]) > 1000:
        _refused(option, f"{text!r} is not a share; write a percentage with at most one decimal, such as '14 %'")
    return round(float(found[1]) * 10)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        _refused(option, f"{text!r} is not a day; write it as 2012-01-31")


def _payment(text: str) -> tuple[date, int]:
    day, sign, yuan = text.partition("=")
    if not sign:
        _refused("--pay", f"{text!r} is not a payment; write DATE=YUAN, such as 2012-02-20=6000")
    return _day("--pay", day), _yuan("--pay", yuan)


def _read(option: str, parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        _refused(option, str(error))


def _refused(option: str, problem: str) -> NoReturn:
    raise refuse(f"{option}: {problem}")
