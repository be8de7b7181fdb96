"""Money in whole fen, rates in whole ppm a year, and the only places where either is rounded.

Everything here is exact integer arithmetic: no float ever touches an amount, a rate or a share. Interest accrues in
*units* so small that a day's interest is a whole number of them (:func:`interest_units`); units become fen only when
interest is billed (:func:`bill`), and what the rounding leaves stays accrued.

The words that a scenario may write for an amount, a rate or a length of time are read here too. A bare number is always
refused: whether 50000 means yuan or fen, and 0.05 a day or a year, is not for a program to guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from sim.core.clock import add_months

Basis = Literal[365, 360, "monthly"]
"""How a yearly rate becomes the rate of one period: a day of 365 or 360 a year, or a month of 12."""

FEN_PER_YUAN: Final = 100
PPM: Final = 1_000_000
PPM_PER_PERCENT: Final = 10_000
PERIODS_IN_YEAR: Final[Mapping[Basis, int]] = {365: 365, 360: 360, "monthly": 12}
MAX_FEN: Final = 2**63 - 1  # what an int64 column holds
MAX_PPM_YEAR: Final = 100 * PPM  # 10,000 % a year: the units of the largest legal loan stay far inside int64
MAX_YEARS: Final = 100  # a due date must stay inside the calendar

MONEY_ALLOWED: Final = (
    "write an amount with its unit, such as '50,000 yuan', '12.34 yuan', '7.5 m yuan', '1.6 bn yuan' or '1234 fen' "
    "(k, m, bn, 万, 亿 may stand before yuan)"
)
RATE_ALLOWED: Final = (
    "write a rate with its period, such as '0.05 %/day', '0.5 %/month' or '18 %/year', with '(360)' behind it for a "
    "year of 360 days or '(monthly)' for twelfths of a year"
)
TERM_ALLOWED: Final = "write a whole number of days, months or years, such as '30 days', '6 months' or '1 year'"
DAYS_ALLOWED: Final = "write a whole number of days, such as '30 days'"

_NUMBER = r"(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)"
_BARE = re.compile(r"[+-]?[0-9.,_]+(?:[eE][+-]?[0-9]+)?")
_MONEY = re.compile(_NUMBER + r"\s*(?:(?P<scale>k|m|bn|万|亿)?\s*(?:yuan|元)|(?P<fen>fen|分))", re.IGNORECASE)
_RATE = re.compile(
    _NUMBER + r"\s*%\s*/\s*(?P<period>day|month|year)(?:\s*\(\s*(?P<basis>360|365|monthly)\s*\))?", re.IGNORECASE
)
_TERM = re.compile(_NUMBER + r"\s*(?P<unit>day|month|year)s?", re.IGNORECASE)

_SCALES: Final = {"k": 10**3, "m": 10**6, "bn": 10**9, "万": 10**4, "亿": 10**8}
_LONGEST_TEXT: Final = 60  # no honest quantity is longer; a longer one is neither read nor echoed whole


@dataclass(frozen=True, slots=True)
class Rate:
    """A nominal rate of simple interest.

    Parameters
    ----------
    ppm_year
        Parts per million of principal a year, 0 to 100,000,000: 0.05 %/day on 365 days is 182,500.
    basis
        365, 360 or ``"monthly"``.

    Raises
    ------
    ValueError
        If ``ppm_year`` is no whole number in its bounds, or ``basis`` none of the three.
    """

    ppm_year: int
    basis: Basis = 365

    def __post_init__(self) -> None:
        _periods(self.basis)
        if isinstance(self.ppm_year, bool) or not isinstance(self.ppm_year, int):
            raise ValueError(f"a rate of {self.ppm_year!r} ppm a year; it must be a whole number (int)")
        if not 0 <= self.ppm_year <= MAX_PPM_YEAR:
            raise ValueError(f"a rate of {self.ppm_year:,} ppm a year; it must lie in 0 to {MAX_PPM_YEAR:,}")

    @property
    def periods_in_year(self) -> int:
        """Periods a year in which interest accrues: 365 or 360 days, or 12 months."""
        return _periods(self.basis)

    @property
    def days_in_year(self) -> int:
        """Days by which the yearly rate is divided for one day: 365, or 360 (a monthly rate counts 30 days a month).

        Source: facts C.1 (monthly contract rate to daily = monthly / 30).
        """
        return 365 if self.basis == 365 else 360

    @property
    def per_day(self) -> Fraction:
        """Exact share of the principal that one day costs: ppm_year / (days_in_year x 10^6)."""
        return Fraction(self.ppm_year, self.days_in_year * PPM)

    def __str__(self) -> str:
        """Echo the rate with its yearly figure, such as ``0.05 %/day (18.25 %/year, basis 365)``."""
        year = f"{_percent(self.ppm_year)} %/year"
        period = "month" if self.basis == "monthly" else "day"
        by_period = f"{_percent(round_half_up(self.ppm_year, self.periods_in_year))} %/{period}"
        if self.ppm_year % self.periods_in_year:
            return f"{year} (about {by_period}, basis {self.basis})"
        return f"{by_period} ({year}, basis {self.basis})"


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time: a ``count`` (0 or more) of days or of calendar months (a year is 12)."""

    count: int
    unit: Literal["days", "months"]

    def __post_init__(self) -> None:
        if self.count < 0 or self.unit not in ("days", "months"):
            raise ValueError(f"a term of {self.count} {self.unit}; {TERM_ALLOWED}")

    def due(self, start: date) -> date:
        """Give the date this long after ``start``; months are clipped to the end of a shorter month."""
        return add_months(start, self.count) if self.unit == "months" else start + timedelta(days=self.count)

    def __str__(self) -> str:
        """Write the term as a scenario does: ``30 days``, ``1 month``."""
        return f"{self.count} {self.unit[:-1] if self.count == 1 else self.unit}"


def parse_money(text: object) -> int:
    """Read an amount in whole fen, 0 or more: ``12.34 yuan``, ``7.5 m yuan``, ``1.6 bn yuan``, ``160 万元``.

    Raises
    ------
    ValueError
        If it is no text, a bare number, negative, no whole number of fen, too large, or not understood.
    """
    match = _match(_MONEY, text, "an amount of money", MONEY_ALLOWED)
    scale = _SCALES[match["scale"].lower()] if match["scale"] else 1
    fen = _number(match) * (1 if match["fen"] else scale * FEN_PER_YUAN)
    if fen.denominator != 1:
        raise ValueError(f"{_shown(text)} is no whole number of fen (0.01 yuan); {MONEY_ALLOWED}")
    if fen > MAX_FEN:
        raise ValueError(f"{_shown(text)} is too large; an amount is at most {format_yuan(MAX_FEN)}")
    return int(fen)


def parse_rate(text: object) -> Rate:
    """Read a rate: ``0.05 %/day``, ``0.05 %/day (360)``, ``0.5 %/month``, ``18 %/year``, ``18 %/year (monthly)``.

    A rate a day is turned into a year's by its basis (365 unless ``(360)`` is written), a rate a month by 12. A rate a
    month has the basis ``monthly`` unless a basis is written. A cap of 10,000 % a year holds.

    Raises
    ------
    ValueError
        If it is no text, a bare number, without its period, negative, finer than one ppm a year, or not understood.
    """
    match = _match(_RATE, text, "a rate", RATE_ALLOWED)
    period, written = match["period"].lower(), (match["basis"] or "").lower()
    if period == "day" and written == "monthly":
        raise ValueError(f"{_shown(text)} is a rate a day and cannot count by months; {RATE_ALLOWED}")
    is_monthly = written == "monthly" or (period == "month" and not written)
    basis: Basis = 360 if written == "360" else "monthly" if is_monthly else 365
    times = {"day": _periods(basis), "month": 12, "year": 1}[period]
    ppm_year = _number(match) * times * PPM_PER_PERCENT
    if ppm_year.denominator != 1:
        raise ValueError(
            f"{_shown(text)} is {_plain(ppm_year)} ppm a year, no whole number of them; "
            "give the rate fewer decimals, so that its yearly figure is a multiple of 0.0001 %"
        )
    if ppm_year > MAX_PPM_YEAR:
        raise ValueError(f"{_shown(text)} is above the highest rate, {MAX_PPM_YEAR // PPM_PER_PERCENT:,} % a year")
    return Rate(int(ppm_year), basis)


def parse_term(text: object) -> Term:
    """Read a length of time in days, months or years (12 months each).

    Raises
    ------
    ValueError
        If it is no text, a bare number, negative, no whole number, longer than 100 years, or not understood.
    """
    return _read_term(text, "a term", TERM_ALLOWED)


def parse_days(text: object) -> int:
    """Read a whole number of days, such as ``180 days``.

    Raises
    ------
    ValueError
        As :func:`parse_term`; months and years are refused too, because they have no fixed number of days.
    """
    term = _read_term(text, "a number of days", DAYS_ALLOWED)
    if term.unit != "days":
        raise ValueError(f"{_shown(text)} is no fixed number of days; {DAYS_ALLOWED}")
    return term.count


def round_half_up(numerator: int, denominator: int) -> int:
    """Round a fraction to the nearest whole number, a half towards plus infinity (2.5 to 3, -2.5 to -2).

    Raises
    ------
    ValueError
        If ``denominator`` is not positive.
    """
    if denominator <= 0:
        raise ValueError(f"a denominator of {denominator}; it must be positive")
    return (2 * numerator + denominator) // (2 * denominator)


def interest_units(principal_fen: int, ppm_year: int, periods: int = 1) -> int:
    """Accrue simple interest, exactly: principal_fen x ppm_year x periods.

    The result counts units of 1 / (periods_in_year x 10^6) fen, where a period is a day or, for ``monthly``, a month.
    """
    return principal_fen * ppm_year * periods


def bill(units: int, basis: Basis) -> tuple[int, int]:
    """Turn accrued units into whole fen, rounded half up, and the remainder in units, which stays accrued.

    ``units = fen x (periods_in_year x 10^6) + remainder``, with 365, 360 or, for ``monthly``, 12 periods a year. The
    remainder lies from minus half a fen (included) to plus half a fen (excluded), so that billing again bills nothing,
    and interest billed in any number of parts adds up to what one bill at the end would have been.
    """
    units_per_fen = _periods(basis) * PPM
    fen = round_half_up(units, units_per_fen)
    return fen, units - fen * units_per_fen


def allocate(payment: int, owed: Mapping[str, int], order: Sequence[str]) -> dict[str, int]:
    """Split a payment over what is owed, filling one bucket after the other (facts C.4).

    Parameters
    ----------
    payment
        Fen received, 0 or more.
    owed
        Fen owed by bucket, 0 or more each.
    order
        Buckets, the first served first; every bucket of ``owed`` once. One that nothing is owed to may stand here too.

    Returns
    -------
    dict
        Fen by bucket in this order, then ``excess``: what the payment leaves over. The values add up to ``payment``
        and none is negative.

    Raises
    ------
    ValueError
        If an amount is negative, a bucket is missing from the order, named twice, or called ``excess``.
    """
    if payment < 0:
        raise ValueError(f"a payment of {payment} fen; it cannot be negative")
    if len(set(order)) != len(order) or "excess" in order:
        raise ValueError(f"the order {list(order)} must name each bucket once, and none 'excess'")
    if unserved := [bucket for bucket in owed if bucket not in order]:
        raise ValueError(f"nothing would ever be paid to {unserved}; the order is {list(order)}")
    split: dict[str, int] = {}
    left = payment
    for bucket in order:
        due = owed.get(bucket, 0)
        if due < 0:
            raise ValueError(f"{due} fen owed as {bucket}; it cannot be negative")
        split[bucket] = min(left, due)
        left -= split[bucket]
    return {**split, "excess": left}


def format_yuan(fen: int, *, short: bool = False) -> str:
    """Write an amount for people: ``1,234.56 yuan``, or in short ``1.60 bn yuan``.

    The short form rounds to hundredths of a million or a thousand million; below one million yuan it stays exact.
    """
    sign, size = ("-", -fen) if fen < 0 else ("", fen)
    if short:
        for name, yuan in (("bn", 10**9), ("m", 10**6)):
            hundredths = round_half_up(size, yuan)  # yuan x 100 fen make one unit, so this many fen are a hundredth
            # 999,999,999.99 yuan would be 1,000.00 m: what rounds up to the next unit is written in it
            if size >= yuan * FEN_PER_YUAN or (name == "bn" and round_half_up(size, 10**6) >= 10**5):
                return f"{sign}{hundredths // 100:,}.{hundredths % 100:02d} {name} yuan"
    return f"{sign}{size // FEN_PER_YUAN:,}.{size % FEN_PER_YUAN:02d} yuan"


def format_rate(rate: Rate) -> str:
    """Write a rate as a scenario does, so that :func:`parse_rate` reads the same rate back.

    A whole number of ppm a day or month is written by day or month (``0.05 %/day``), anything else by the year
    (``18 %/year``); a basis that does not go without saying follows.
    """
    period = "month" if rate.basis == "monthly" else "day"
    ppm_period, rest = divmod(rate.ppm_year, rate.periods_in_year)
    text = f"{_percent(rate.ppm_year)} %/year" if rest else f"{_percent(ppm_period)} %/{period}"
    said = rate.basis == 365 or (rate.basis == "monthly" and not rest)
    return text if said else f"{text} ({rate.basis})"


def _periods(basis: Basis) -> int:
    if basis not in PERIODS_IN_YEAR:
        raise ValueError(f"a basis of {basis!r}; it must be 365, 360 or 'monthly'")
    return PERIODS_IN_YEAR[basis]


def _read_term(text: object, what: str, allowed: str) -> Term:
    match = _match(_TERM, text, what, allowed)
    number, unit = _number(match), match["unit"].lower()
    if number.denominator != 1:
        raise ValueError(f"{_shown(text)} is no whole number; {allowed}")
    count = int(number) * (12 if unit == "year" else 1)
    if count > MAX_YEARS * (365 if unit == "day" else 12):
        raise ValueError(f"{_shown(text)} is too long; a term is at most {MAX_YEARS} years")
    return Term(count, "days" if unit == "day" else "months")


def _match(pattern: re.Pattern[str], text: object, what: str, allowed: str) -> re.Match[str]:
    said = text.strip() if isinstance(text, str) else ""
    if len(said) <= _LONGEST_TEXT and (match := pattern.fullmatch(said)):
        return match
    if _BARE.fullmatch(said) or (isinstance(text, int | float) and not isinstance(text, bool)):
        raise ValueError(f"{_shown(text)} is a bare number; {allowed}")
    if said.startswith("-"):
        raise ValueError(f"{_shown(text)} is negative; {allowed}")
    raise ValueError(f"{_shown(text)} is not {what}; {allowed}")


def _number(match: re.Match[str]) -> Fraction:
    return Fraction(match["number"].replace(",", ""))


def _shown(text: object) -> str:
    shown = repr(text) if isinstance(text, str) else str(text)
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[:_LONGEST_TEXT]}..."


def _percent(ppm: int) -> str:
    return _plain(Fraction(ppm, PPM_PER_PERCENT))


def _plain(number: Fraction) -> str:
    return f"{(Decimal(number.numerator) / number.denominator).normalize():f}"
