"""Schedules worked out a second time, in `decimal`, from the formulas of facts C alone: an oracle for the tests.

It goes from event to event, not from day to day, keeps every amount in yuan, and shares no line with the program.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext

D = Decimal
ZERO, CENT, HALF = D(0), D("0.01"), D("0.005")
HALF_MORE = D("1.5")
MONTHLY = {"annuity", "equal_principal", "interest_only_bullet", "joint_liability"}
DAYS = {"order_loan", "purchase_order", "warehouse"}
AT_END = DAYS | {"revolving_line"}


def half_up(amount: Decimal) -> Decimal:
    """To whole fen, a half upwards."""
    return ((amount + HALF) / CENT).quantize(D(1), ROUND_FLOOR) * CENT


def months_later(start: date, n: int) -> date:
    """The same day n months later, or the last of a shorter month."""
    month = start.month - 1 + n
    year, month = start.year + month // 12, month % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


@dataclass
class Due:
    """An instalment and what is left of it; penalty is exact, paid penalty is whole fen."""

    on: date
    fee: Decimal
    interest: Decimal
    principal: Decimal
    since: date
    penalty: Decimal = ZERO
    in_grace: Decimal = ZERO
    is_charged: bool = False  # with the late fee


Row = tuple[date, Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]


@dataclass
class Oracle:
    """One loan. ``basis`` is 365, 360 or "monthly"; ``order`` is that of fee, penalty, interest and principal.

    ``fee`` is charged at the payout; of a share of sales it is the price. ``worse`` and ``misused`` are multiples of
    the contract rate, ``sales`` are those of one day and ``share`` is the part of them that is paid.
    """

    product: str
    principal: Decimal
    ppm: int
    basis: int | str
    n: int
    start: date
    pays: dict[date, Decimal]
    smaller: bool = False
    grace: int = 0
    order: tuple[str, ...] = ("fee", "penalty", "interest", "principal")
    vertical: bool = True
    compounds: bool = False
    worse: Decimal = HALF_MORE
    misuse: date | None = None
    misused: Decimal = HALF_MORE
    fee: Decimal = ZERO
    late_fee: Decimal = ZERO
    is_first: bool = False
    sales: Decimal = ZERO
    share: Decimal = ZERO
    closed_days: frozenset[date] = frozenset()  # a due date on one of them waits for the next day that is none
    rows: list[Row] = field(default_factory=list)
    closed: date | None = None
    refund: Decimal = ZERO

    def run(self) -> list[Row]:
        """Rows of (date, principal, interest, penalty, fee, balance, excess)."""
        with localcontext() as context:
            context.prec = 80
            self._run()
        return self.rows

    def _run(self) -> None:
        year = D(self.ppm) / 1_000_000
        day_rate = year / (365 if self.basis == 365 and self.product not in MONTHLY else 360)
        dates = self._dates()
        worse = D(int(self.ppm * self.worse)) / self.ppm if self.ppm else D(1)  # in whole ppm, rounded down
        dearer = D(int(self.ppm * self.misused + D("0.5"))) / self.ppm if self.ppm else D(1)  # half up
        not_due, price, accrued, arrears, k = self.principal, ZERO, ZERO, list[Due](), 0
        if self.product == "sales_share":
            price = self.fee
        elif self.fee:
            self.rows.append((self.start, ZERO, ZERO, ZERO, self.fee, not_due, ZERO))
        regular = self._regular(not_due, year, len(dates))
        last = self.start
        for day in self._events(dates):
            # interest since the last event, on what has not fallen due
            is_misused = self.misuse is not None and last >= self.misuse
            times = dearer if is_misused else D(1)
            if self.product not in MONTHLY:
                accrued += not_due * day_rate * times * (day - last).days
            elif k < len(dates):
                begin = dates[k - 1] if k else self.start
                length = (dates[k] - begin).days
                thirtieth = [D(30) if e >= length else D(min(e, 30)) for e in ((last - begin).days, (day - begin).days)]
                accrued += not_due * year / 12 * times * (thirtieth[1] - thirtieth[0]) / 30
            for due in arrears:  # penalty from the day after the due date, in place of interest
                due.penalty = self._penalty(due, day, day_rate * (max(worse, dearer) if is_misused else worse))
                if (day - due.on).days > self.grace and not due.is_charged:
                    due.fee, due.is_charged = due.fee + self.late_fee, True
            last = day
            is_due = k < len(dates) and day == dates[k]
            usual = ZERO
            if self.product == "sales_share":
                part = not_due + price
                if day != dates[-1]:
                    part = min(part, self._from_sales(day))
                is_due = part > 0
                if is_due:
                    fee = min(price, half_up(part * self.fee / (self.principal + self.fee)))
                    if part - fee > not_due:
                        fee = part - not_due
                    arrears.append(Due(day, fee, ZERO, part - fee, day))
                    price, not_due = price - fee, not_due - (part - fee)
            elif is_due:
                interest = half_up(accrued)
                accrued -= interest
                part = not_due if k == len(dates) - 1 else self._principal_of(regular, interest, not_due)
                not_due -= part
                arrears.append(Due(day, ZERO, interest, part, day))
                k += 1
            elif self.product == "purchase_order":
                usual = self._from_sales(day)
            owed = sum((due.fee + due.interest + due.principal + half_up(due.penalty) for due in arrears), ZERO)
            usual = owed if is_due else min(usual, owed + not_due + max(half_up(accrued), ZERO))
            if not is_due and not usual and day not in self.pays:
                continue
            money = self.pays.get(day, usual)
            split = dict.fromkeys(("fee", "penalty", "interest", "principal"), ZERO)
            todo = [(due, what) for due in arrears for what in self.order]
            if not self.vertical:
                todo = [(due, what) for what in self.order for due in arrears]
            for due, what in todo:
                have = half_up(due.penalty) if what == "penalty" else getattr(due, what)
                part = min(have, money)
                money -= part
                split[what] += part
                setattr(due, what, getattr(due, what) - part)
            arrears = [due for due in arrears if due.fee or due.interest or due.principal or half_up(due.penalty)]
            if money and not arrears:  # early: the price, interest to date and principal, in the same order
                early = ZERO
                for what in self.order:
                    if what == "fee":
                        part = min(money, price)
                        price -= part
                    elif what == "interest":
                        part = min(money, max(half_up(accrued), ZERO))
                        accrued -= part
                    elif what == "principal":
                        part = early = min(money, not_due)
                        not_due -= part
                    else:
                        continue
                    money -= part
                    split[what] += part
                if early and not_due and self.smaller and k < len(dates):
                    regular = self._regular(not_due, year, len(dates) - k)
            balance = not_due + sum((due.principal for due in arrears), ZERO)
            amounts = (split["principal"], split["interest"], split["penalty"], split["fee"])
            self.rows.append((day, *amounts, balance, money))
            if balance == 0 and price == 0 and not arrears and half_up(accrued) <= 0:
                self.closed = day
                if self.is_first and day <= self.start + timedelta(3):
                    self.refund = sum((row[2] for row in self.rows), ZERO)
                return

    def _dates(self) -> list[date]:
        """Due dates; of a share of sales that of the rest, as its shares fall due on every day."""
        if self.product in AT_END | {"sales_share"}:
            in_days = self.product in DAYS | {"sales_share"}
            dates = [self.start + timedelta(self.n) if in_days else months_later(self.start, self.n)]
        else:
            dates = [months_later(self.start, k) for k in range(1, self.n + 1)]
        for place in range(len(dates)):
            while dates[place] in self.closed_days:
                dates[place] += timedelta(1)
        return dates

    def _events(self, dates: list[date]) -> list[date]:
        """Days on which something may change, in order; with a part of sales every day."""
        days = {*dates, *self.pays} | ({self.misuse} if self.misuse else set())
        if self.share:
            days |= {self.start + timedelta(d) for d in range(1, (max(dates[-1], *self.pays) - self.start).days + 1)}
        return sorted(days)

    def _from_sales(self, day: date) -> Decimal:
        """The part of the sales of a day that is paid, so that all days to it have paid their part to the fen."""
        days = (day - self.start).days
        return half_up(self.share * self.sales * days) - half_up(self.share * self.sales * max(days - 1, 0))

    def _penalty(self, due: Due, day: date, penalty_rate: Decimal) -> Decimal:
        """``penalty rate x overdue principal x days``; days of grace cost only if they pass."""
        base = due.principal + (due.interest if self.compounds else ZERO)
        more = penalty_rate * base * (day - due.since).days
        due.since = day
        if (day - due.on).days <= self.grace:
            due.in_grace += more
            return due.penalty
        more += due.in_grace
        due.in_grace = ZERO
        return due.penalty + more

    def _regular(self, left: Decimal, year: Decimal, n: int) -> Decimal:
        if self.product in ("annuity", "joint_liability"):
            i = year / 12
            return half_up(left * i * (1 + i) ** n / ((1 + i) ** n - 1) if i else left / n)
        return half_up(left / n) if self.product == "equal_principal" else ZERO

    def _principal_of(self, regular: Decimal, interest: Decimal, left: Decimal) -> Decimal:
        if self.product in ("annuity", "joint_liability"):
            regular = max(regular - interest, ZERO)
        return min(regular, left)
