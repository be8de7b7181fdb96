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
    interest: Decimal
    principal: Decimal
    since: date
    penalty: Decimal = ZERO
    in_grace: Decimal = ZERO


@dataclass
class Oracle:
    """One loan. ``basis`` is 365, 360 or "monthly"; ``order`` is that of penalty, interest and principal."""

    product: str
    principal: Decimal
    ppm: int
    basis: int | str
    n: int
    start: date
    pays: dict[date, Decimal]
    smaller: bool = False
    grace: int = 0
    order: tuple[str, ...] = ("penalty", "interest", "principal")
    vertical: bool = True
    compounds: bool = False
    misuse: date | None = None
    closed_days: frozenset[date] = frozenset()  # a due date on one of them waits for the next day that is none
    rows: list[tuple[date, Decimal, Decimal, Decimal, Decimal, Decimal]] = field(default_factory=list)

    def run(self) -> list[tuple[date, Decimal, Decimal, Decimal, Decimal, Decimal]]:
        """Rows of (date, principal, interest, penalty, balance, excess)."""
        with localcontext() as context:
            context.prec = 80
            self._run()
        return self.rows

    def _run(self) -> None:
        year = D(self.ppm) / 1_000_000
        day_rate = year / (365 if self.basis == 365 and self.product not in MONTHLY else 360)
        if self.product in AT_END:
            dates = [self.start + timedelta(self.n) if self.product in DAYS else months_later(self.start, self.n)]
        else:
            dates = [months_later(self.start, k) for k in range(1, self.n + 1)]
        for place in range(len(dates)):
            while dates[place] in self.closed_days:
                dates[place] += timedelta(1)
        worse = D(self.ppm * 3 // 2) / self.ppm if self.ppm else D(1)  # the same, rounded down
        dearer = D((self.ppm * 3 + 1) // 2) / self.ppm if self.ppm else D(1)  # half as much again, in whole ppm
        not_due, accrued, arrears, k = self.principal, ZERO, list[Due](), 0
        regular = self._regular(not_due, year, len(dates))
        last = self.start
        found_on = {self.misuse} if self.misuse else set()
        for day in sorted({*dates, *self.pays, *found_on}):
            # interest since the last event, on what has not fallen due
            times = dearer if self.misuse and last >= self.misuse else D(1)
            if self.product not in MONTHLY:
                accrued += not_due * day_rate * times * (day - last).days
            elif k < len(dates):
                begin = dates[k - 1] if k else self.start
                length = (dates[k] - begin).days
                thirtieth = [D(30) if e >= length else D(min(e, 30)) for e in ((last - begin).days, (day - begin).days)]
                accrued += not_due * year / 12 * times * (thirtieth[1] - thirtieth[0]) / 30
            for due in arrears:  # penalty from the day after the due date, in place of interest
                due.penalty = self._penalty(due, day, day_rate * max(worse, times))
            last = day
            if day not in dates and day not in self.pays:
                continue
            is_due = k < len(dates) and day == dates[k]
            if is_due:
                interest = half_up(accrued)
                accrued -= interest
                part = not_due if k == len(dates) - 1 else self._principal_of(regular, interest, not_due)
                not_due -= part
                arrears.append(Due(day, interest, part, day))
                k += 1
            owed = sum((due.interest + due.principal + half_up(due.penalty) for due in arrears), ZERO)
            money = self.pays.get(day, owed)
            split = dict.fromkeys(("penalty", "interest", "principal"), ZERO)
            todo = [(due, what) for due in arrears for what in self.order]
            if not self.vertical:
                todo = [(due, what) for what in self.order for due in arrears]
            for due, what in todo:
                have = half_up(due.penalty) if what == "penalty" else getattr(due, what)
                part = min(have, money)
                money -= part
                split[what] += part
                setattr(due, what, getattr(due, what) - part)
            arrears = [due for due in arrears if due.interest or due.principal or half_up(due.penalty)]
            if money and not arrears:  # early: interest to date and principal, in the same order
                early = ZERO
                for what in self.order:
                    if what == "interest":
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
            self.rows.append((day, split["principal"], split["interest"], split["penalty"], balance, money))
            if balance == 0 and not arrears and half_up(accrued) <= 0:
                return

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
