"""The calendar: days as they pass, months as contracts count them, and the festivals that move trade."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EPOCH = date(2000, 1, 1)
"""Day number 0. Draws are keyed by day number, so moving it would change the luck of every run."""

FIRST_YEAR = 2000
"""First year whose festivals are tabled."""

LAST_YEAR = 2040
"""Last year whose festivals are tabled."""


@dataclass(frozen=True, slots=True)
class Day:
    """One simulated day.

    Parameters
    ----------
    index
        Days since the run began, from 0.
    date
        The calendar date.
    number
        Days since 2000-01-01: the day key of every draw, the same in every run that passes this date.
    """

    index: int
    date: date
    number: int

    @property
    def weekday(self) -> int:
        """Day of the week, 0 for Monday to 6 for Sunday."""
        return self.date.weekday()


def day_number(when: date) -> int:
    """Count the days from 2000-01-01 to a date: the day key of draws (negative before 2000)."""
    return when.toordinal() - EPOCH.toordinal()


def date_of(number: int) -> date:
    """Give the date with this day number, the inverse of :func:`day_number`."""
    return EPOCH + timedelta(days=number)


def days(start: date, n: int) -> Iterator[Day]:
    """Let ``n`` days pass, one at a time, beginning with ``start``.

    Raises
    ------
    ValueError
        If ``n`` is negative (raised at the call, not at the first day).
    """
    if n < 0:
        raise ValueError(f"a run cannot last {n} days; give 0 or more")
    first = day_number(start)
    return (Day(index, date_of(first + index), first + index) for index in range(n))


def add_months(when: date, n: int) -> date:
    """Move a date by ``n`` calendar months, clipped to the end of a shorter month.

    Clipping forgets the day: 31 January + 1 + 1 months is 28 March, + 2 months is 31 March. A schedule therefore counts
    every due date from its own start, never from the due date before.

    Raises
    ------
    ValueError
        If the result lies outside the years 1 to 9999.
    """
    years, month = divmod(when.month - 1 + n, 12)
    year = when.year + years
    if not date.min.year <= year <= date.max.year:
        raise ValueError(f"{when} and {n} months is in the year {year}; dates run from year 1 to 9999")
    return date(year, month + 1, min(when.day, calendar.monthrange(year, month + 1)[1]))


def festivals(year: int) -> dict[str, date]:
    """Find the dates of the Chinese lunar festivals of a year.

    Parameters
    ----------
    year
        2000 to 2040.

    Returns
    -------
    dict
        ``spring_festival`` (1st day of the 1st lunar month), ``dragon_boat`` (5th of the 5th), ``qixi`` (7th of the
        7th) and ``mid_autumn`` (15th of the 8th), in this order; leap months do not count.

    Raises
    ------
    ValueError
        For a year that is not tabled.

    Notes
    -----
    The table was checked, all 164 dates, against a published table of lunar months and against new moons and solar
    terms computed from an ephemeris in Beijing time; the tests compute them again from the motion of moon and sun.
    """
    _require_tabled(year)
    return {
        name: date(year, *divmod(month_day, 100))
        for name, month_day in zip(_FESTIVAL_NAMES, _FESTIVAL_DATES[year], strict=True)
    }


def holidays(year: int) -> dict[str, tuple[date, date]]:
    """Find the first and last day off (both included) of the holidays with a fixed date in China.

    Parameters
    ----------
    year
        2000 to 2040.

    Returns
    -------
    dict
        ``new_year`` (1 January), ``labour_day`` (from 1 May: 7 days to 2007, 3 days in 2008 to 2019, 5 days from 2020)
        and ``national_day`` (1 to 7 October), in this order.

    Raises
    ------
    ValueError
        For a year that is not tabled.

    Notes
    -----
    A convention, not the official list: by law fewer days are free, and each year's notice of the State Council builds
    the week by moving weekends, so that the real one now and then begins one to three days earlier (Labour Day 2012:
    29 April to 1 May) or gains a day. Shops feel the week, and its fixed dates are known ahead for every year.
    """
    _require_tabled(year)
    labour_days = 7 if year <= 2007 else 3 if year <= 2019 else 5
    return {
        "new_year": (date(year, 1, 1), date(year, 1, 1)),
        "labour_day": (date(year, 5, 1), date(year, 5, labour_days)),
        "national_day": (date(year, 10, 1), date(year, 10, 7)),
    }


@lru_cache(maxsize=64)
def days_off(year: int) -> frozenset[date]:
    """Find the public holidays of a year: the fixed ones, a week from Spring Festival, two lunar festivals from 2008.

    Weekends count as working days: a platform pays on them.

    Raises
    ------
    ValueError
        For a year that is not tabled.
    """
    lunar = festivals(year)
    spans = list(holidays(year).values())
    spans.append((lunar["spring_festival"], lunar["spring_festival"] + timedelta(days=6)))
    if year >= 2008:
        spans += [(lunar[name], lunar[name]) for name in ("dragon_boat", "mid_autumn")]
    return frozenset(first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1))


def working_day(day: date) -> date:
    """Move a day that is a public holiday to the first one after it that is none; years not tabled have none."""
    while day.year <= LAST_YEAR and day in days_off(day.year):
        day += timedelta(days=1)
    return day


def _require_tabled(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"no festivals are known for {year}; years {FIRST_YEAR} to {LAST_YEAR} are")


_FESTIVAL_NAMES = ("spring_festival", "dragon_boat", "qixi", "mid_autumn")

# Month and day as one number (123 is 23 January), in the order of the names above. Lunar dates follow the true moon
# and have no short formula, hence a table. 2033 is the trap: many older tables have its later months wrong.
_FESTIVAL_DATES = {
    2000: (205, 606, 806, 912),
    2001: (124, 625, 825, 1001),
    2002: (212, 615, 815, 921),
    2003: (201, 604, 804, 911),
    2004: (122, 622, 822, 928),
    2005: (209, 611, 811, 918),
    2006: (129, 531, 731, 1006),
    2007: (218, 619, 819, 925),
    2008: (207, 608, 807, 914),
    2009: (126, 528, 826, 1003),
    2010: (214, 616, 816, 922),
    2011: (203, 606, 806, 912),
    2012: (123, 623, 823, 930),
    2013: (210, 612, 813, 919),
    2014: (131, 602, 802, 908),
    2015: (219, 620, 820, 927),
    2016: (208, 609, 809, 915),
    2017: (128, 530, 828, 1004),
    2018: (216, 618, 817, 924),
    2019: (205, 607, 807, 913),
    2020: (125, 625, 825, 1001),
    2021: (212, 614, 814, 921),
    2022: (201, 603, 804, 910),
    2023: (122, 622, 822, 929),
    2024: (210, 610, 810, 917),
    2025: (129, 531, 829, 1006),
    2026: (217, 619, 819, 925),
    2027: (206, 609, 808, 915),
    2028: (126, 528, 826, 1003),
    2029: (213, 616, 816, 922),
    2030: (203, 605, 805, 912),
    2031: (123, 624, 824, 1001),
    2032: (211, 612, 812, 919),
    2033: (131, 601, 801, 908),
    2034: (219, 620, 820, 927),
    2035: (208, 610, 810, 916),
    2036: (128, 530, 828, 1004),
    2037: (215, 618, 817, 924),
    2038: (204, 607, 807, 913),
    2039: (124, 527, 826, 1002),
    2040: (212, 614, 814, 920),
}
