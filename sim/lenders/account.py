"""One loan through its days, exact to the fen: what accrues, falls due, is paid, and to what each payment goes.

It is the plain-language twin of the compiled loan of `sim.engine.day.loan`: whole numbers of any size, one loan at a
time, for schedules that people read and for tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from sim.core.money import PPM, Rate, allocate, round_half_up
from sim.lenders.instalments import (
    DAYS_IN_MONTH,
    MONTHS_IN_YEAR,
    PLANS,
    Repayment,
    due_dates,
    equal_instalment,
    equal_principal,
    thirtieths,
)

PENALTY_PERMILLE = 1500  # penalty rate over contract rate (facts C.3)
MISUSE_PERMILLE = 1500  # rate of money used for another purpose: half to all of it more (facts C.3)
REFUND_DAYS = 3  # a first loan paid off by then costs nothing (facts A.1.1, C.1)
BUCKETS = ("fee", "penalty", "interest", "principal")
PREPAYMENTS = ("shorter", "smaller")
HOLIDAYS = ("none", "next_day")
_ONE = timedelta(days=1)


@dataclass(frozen=True)
class LoanTerms:
    """What was agreed.

    Attributes
    ----------
    product, principal_fen, rate, periods, start
        The loan; ``periods`` are months, or days for products that are due within weeks.
    prepayment
        What paying early changes: ``shorter`` keeps the instalment, ``smaller`` keeps the last date.
    penalty_permille
        Penalty rate on overdue principal over the contract rate, thousandths, in whole ppm rounded down; it takes the
        place of normal interest.
    grace_days
        Days after a due date within which paying costs no penalty.
    order
        Buckets in the order they are paid.
    by_instalment
        Whether the oldest instalment is paid first, bucket by bucket, or one bucket of all instalments after the other.
    holidays
        What a due date on a public holiday does: ``none`` stays, ``next_day`` moves to the next working day.
    compounds
        Whether overdue interest bears the penalty rate too (facts C.3; off, as interest was simple).
    misuse_from, misuse_permille
        From when on the money is known to be used for another purpose, and the rate from then on over the contract
        rate, thousandths, in whole ppm (facts C.3); overdue principal bears the dearer of the two.
    fee_fen
        Charged at the payout, or, for a share of sales, the price of the loan.
    is_first
        Whether it is the borrower's first loan, whose interest is given back if it is paid off within three days.
    daily_sales_fen, sales_permille
        What the shop sells a day, and the share of it that is paid: what a share of sales is repaid by, and an advance
        on orders may be.
    late_fee_fen
        Charged once for every due date that is still unpaid when its days of grace have passed; bears nothing.
    """

    product: str
    principal_fen: int
    rate: Rate
    periods: int
    start: date
    prepayment: str = "shorter"
    penalty_permille: int = PENALTY_PERMILLE
    grace_days: int = 0
    order: tuple[str, ...] = BUCKETS
    by_instalment: bool = True
    holidays: str = "none"
    compounds: bool = False
    misuse_from: date | None = None
    misuse_permille: int = MISUSE_PERMILLE
    fee_fen: int = 0
    is_first: bool = False
    daily_sales_fen: int = 0
    sales_permille: int = 0
    late_fee_fen: int = 0

    def __post_init__(self) -> None:
        """Refuse terms that are no loan."""
        if self.product not in PLANS:
            raise ValueError(f"there is no product {self.product!r}; products are {', '.join(PLANS)}")
        if self.principal_fen <= 0:
            raise ValueError("the principal must be more than nothing")
        if self.periods < 1:
            raise ValueError(f"{self.periods} periods; at least 1 is needed")
        if self.prepayment not in PREPAYMENTS:
            raise ValueError(f"prepayment {self.prepayment!r}; it is one of {', '.join(PREPAYMENTS)}")
        if self.holidays not in HOLIDAYS:
            raise ValueError(f"holidays {self.holidays!r}; it is one of {', '.join(HOLIDAYS)}")
        if sorted(self.order) != sorted(BUCKETS):
            raise ValueError(f"the order {list(self.order)} must name each of {', '.join(BUCKETS)} once")
        if min(self.fee_fen, self.late_fee_fen) < 0:
            raise ValueError("a fee cannot be negative")
        plan, sales = PLANS[self.product], (self.daily_sales_fen, self.sales_permille)
        is_share = plan.repayment is Repayment.SALES_SHARE
        if (is_share or any(sales)) and min(sales) <= 0:
            raise ValueError("a share of sales needs the sales of a day (--sales) and the share paid of them (--share)")
        if self.sales_permille > 1000:
            raise ValueError(f"a share of {self.sales_permille / 10:g} % is more than all sales")
        if any(sales) and not (is_share or plan.is_swept):
            raise ValueError(f"{self.product} is not repaid by a share of sales; leave --sales and --share out")
        if is_share and self.rate.ppm_year:
            raise ValueError("a share of sales costs a fee and bears no interest; its rate is 0 %/year")


@dataclass
class Instalment:
    """What fell due on one day, and what is left of it, fen; ``penalty_units`` in the loan's units."""

    number: int
    due: date
    fee: int
    interest: int
    principal: int
    penalty_units: int = 0
    waiting_units: int = 0  # penalty that is owed only if the days of grace pass

    def is_paid(self) -> bool:
        """Whether nothing of it is left but perhaps penalty."""
        return self.fee == self.interest == self.principal == 0


@dataclass
class Paid:
    """To what one payment went, fen."""

    fee: int = 0
    penalty: int = 0
    interest: int = 0
    principal: int = 0
    excess: int = 0

    def add(self, bucket: str, fen: int) -> None:
        """Add to a bucket."""
        setattr(self, bucket, getattr(self, bucket) + fen)

    @property
    def total(self) -> int:
        """What was kept of the payment."""
        return self.fee + self.penalty + self.interest + self.principal


@dataclass
class Account:
    """A loan from its payout on; `pass_day` and `pay` move it."""

    terms: LoanTerms
    today: date = field(init=False)
    balance: int = field(init=False)  # principal outstanding
    instalments: list[Instalment] = field(init=False, default_factory=list)  # fallen due and unpaid, oldest first
    interest_paid: int = field(init=False, default=0)
    refunded: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        terms = self.terms
        self.plan = PLANS[terms.product]
        self.today, self.balance = terms.start, terms.principal_fen
        self.dates = due_dates(self.plan, terms.start, terms.periods, holidays=terms.holidays)
        self.next = 0  # of `dates`: the period that runs
        self.units_per_fen = (MONTHS_IN_YEAR * DAYS_IN_MONTH if self.plan.by_month else terms.rate.days_in_year) * PPM
        self.accrued_units = 0
        self.fee_left = terms.fee_fen if self.plan.repayment is Repayment.SALES_SHARE else 0
        self.closed: date | None = None
        self._renew(terms.periods)
        self.regular_fen = self.instalment  # as agreed, before anything was paid early

    def _renew(self, periods: int) -> None:
        """Work the regular instalment out, from the balance that is not due yet and the periods that are left."""
        left = self.balance - self.overdue
        self.instalment = 0
        if self.plan.repayment is Repayment.EQUAL_INSTALMENTS:
            self.instalment = equal_instalment(left, self.terms.rate, periods)
        elif self.plan.repayment is Repayment.EQUAL_PRINCIPAL:
            self.instalment = equal_principal(left, periods)

    @property
    def overdue(self) -> int:
        """Fen of principal that fell due and is unpaid."""
        return sum(one.principal for one in self.instalments)

    @property
    def days_past_due(self) -> int:
        """Age of the oldest due date of which anything is unpaid, penalty included."""
        return (self.today - self.instalments[0].due).days if self.instalments else 0

    def interest_now(self) -> int:
        """Fen of interest accrued and not due yet, billed half up."""
        return max(round_half_up(self.accrued_units, self.units_per_fen), 0)

    def penalty_of(self, one: Instalment) -> int:
        """Fen of penalty owed on an instalment."""
        return round_half_up(one.penalty_units, self.units_per_fen)

    def due_now(self) -> int:
        """Fen that have fallen due."""
        return sum(one.fee + one.interest + one.principal + self.penalty_of(one) for one in self.instalments)

    def settles(self) -> int:
        """Fen that would end the loan today."""
        return self.due_now() + self.balance - self.overdue + self.interest_now() + self.fee_left

    def pass_day(self) -> None:
        """Let a night pass, and what is due on the new day fall due."""
        before = self.today
        self.today += _ONE
        if self.closed:
            return
        terms, ppm = self.terms, self.terms.rate.ppm_year
        is_misused = terms.misuse_from is not None and before >= terms.misuse_from
        dearer = round_half_up(ppm * terms.misuse_permille, 1000) if is_misused else ppm
        self.accrued_units += (self.balance - self.overdue) * dearer * self._day_counts(before)
        for one in self.instalments:
            base = one.principal + (one.interest if terms.compounds else 0)
            units = base * max(ppm * terms.penalty_permille // 1000, dearer if is_misused else 0)
            beyond = (self.today - one.due).days - terms.grace_days
            if beyond <= 0:
                one.waiting_units += units
                continue
            one.penalty_units += units + one.waiting_units
            one.waiting_units = 0
            if beyond == 1 and not one.is_paid():
                one.fee += terms.late_fee_fen
        if self.plan.repayment is Repayment.SALES_SHARE:
            self._take_share()
        elif self.next < len(self.dates) and self.today == self.dates[self.next]:
            self._fall_due()

    def _day_counts(self, before: date) -> int:
        """What last night counts: a day, or the thirtieths of a month that it has brought."""
        if not self.plan.by_month:
            return 1
        if self.next >= len(self.dates):
            return 0
        begin = self.dates[self.next - 1] if self.next else self.terms.start
        days = (self.dates[self.next] - begin).days
        return thirtieths((self.today - begin).days, days) - thirtieths((before - begin).days, days)

    def _fall_due(self) -> None:
        interest = self.interest_now()
        self.accrued_units -= interest * self.units_per_fen
        left = self.balance - self.overdue
        if self.next == len(self.dates) - 1:
            principal = left
        elif self.plan.repayment is Repayment.EQUAL_INSTALMENTS:
            principal = min(max(self.instalment - interest, 0), left)
        else:
            principal = min(self.instalment, left)  # nothing while only interest is paid
        self.next += 1
        self.instalments.append(Instalment(self.next, self.today, 0, interest, principal))

    def _take_share(self) -> None:
        """A day's share of sales falls due: fee and principal in their proportion, the last day the rest."""
        whole = self.terms.principal_fen + self.terms.fee_fen
        principal = self.balance - self.overdue
        left = principal + self.fee_left
        part = left if self.today >= self.dates[-1] else min(self._share_of_sales(), left)
        fee = min(round_half_up(part * self.terms.fee_fen, whole), self.fee_left)
        fee = max(fee, part - principal)  # what is paid early or rounded may leave less principal than its proportion
        if part:
            self.fee_left -= fee
            number = (self.today - self.terms.start).days
            self.instalments.append(Instalment(number, self.today, fee, 0, part - fee))

    def _share_of_sales(self) -> int:
        """Fen of today's sales that are paid; what rounding leaves goes into the next day."""
        days = (self.today - self.terms.start).days
        share = self.terms.daily_sales_fen * self.terms.sales_permille
        return round_half_up(share * days, 1000) - round_half_up(share * (days - 1), 1000)

    def sweep(self) -> int:
        """Fen of today's sales that repay a swept loan, due or not, at most what ends it; from the day after payout."""
        is_swept = self.plan.is_swept and self.today > self.terms.start
        return min(self._share_of_sales(), self.settles()) if is_swept else 0

    def pay(self, fen: int) -> Paid:
        """Allocate a payment: what has fallen due first, then interest to date, then principal before its time.

        Raises
        ------
        ValueError
            If it is negative.
        """
        if fen < 0:
            raise ValueError(f"a payment of {fen} fen; it cannot be negative")
        paid = Paid()
        left = self._pay_due(fen, paid)
        if left and not self.closed:
            left = self._pay_early(left, paid)
        paid.excess = left
        if self.balance == 0 and not self.instalments and not self.closed and self.interest_now() + self.fee_left == 0:
            self._close()
        return paid

    def _pay_due(self, fen: int, paid: Paid) -> int:
        order = self.terms.order
        if self.terms.by_instalment:
            steps = [(one, bucket) for one in self.instalments for bucket in order]
        else:
            steps = [(one, bucket) for bucket in order for one in self.instalments]
        for one, bucket in steps:
            owed = self.penalty_of(one) if bucket == "penalty" else getattr(one, bucket)
            part = min(fen, owed)
            fen -= part
            paid.add(bucket, part)
            if bucket == "penalty":
                one.penalty_units -= part * self.units_per_fen
            else:
                setattr(one, bucket, owed - part)
            if bucket == "principal":
                self.balance -= part
            if bucket == "interest":
                self.interest_paid += part
        self.instalments = [one for one in self.instalments if not one.is_paid() or self.penalty_of(one)]
        return fen

    def _pay_early(self, fen: int, paid: Paid) -> int:
        owed = {"fee": self.fee_left, "interest": self.interest_now(), "principal": self.balance}
        parts = allocate(fen, owed, [bucket for bucket in self.terms.order if bucket in owed])
        for bucket in owed:
            paid.add(bucket, parts[bucket])
        self.fee_left -= parts["fee"]
        self.accrued_units -= parts["interest"] * self.units_per_fen
        self.interest_paid += parts["interest"]
        self.balance -= parts["principal"]
        periods = len(self.dates) - self.next
        if parts["principal"] and self.balance and self.terms.prepayment == "smaller" and periods:
            self._renew(periods)
        return parts["excess"]

    def _close(self) -> None:
        self.closed = self.today
        if self.terms.is_first and (self.today - self.terms.start).days <= REFUND_DAYS:
            self.refunded = self.interest_paid
