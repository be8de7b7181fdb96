"""Parameters of the calendar that all shops share: weekdays and the Spring Festival; see `sim.world.parameters`."""

from __future__ import annotations

from sim.core.quantities import Days, Number, Parameters, parameter

_WEB = "assumption: shops on the web sell a little less at the weekend; `lendsim fit` estimates it"


class Season(Parameters):
    """Weekdays and the Spring Festival; the quarters are those of each category."""

    monday: Number = parameter(
        1.03, unit="1", low=0.1, high=5.0, source=_WEB, doc="Demand on Mondays, over the mean of the seven days."
    )
    tuesday: Number = parameter(1.03, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Tuesdays.")
    wednesday: Number = parameter(1.02, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Wednesdays.")
    thursday: Number = parameter(1.01, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Thursdays.")
    friday: Number = parameter(1.00, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Fridays.")
    saturday: Number = parameter(0.95, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Saturdays.")
    sunday: Number = parameter(0.96, unit="1", low=0.1, high=5.0, source=_WEB, doc="The same on Sundays.")
    festival_low: Number = parameter(
        0.30,
        unit="1",
        low=0.05,
        high=3.0,
        source="assumption: parcels do not move at the Spring Festival; `lendsim fit` estimates it",
        doc="Demand on the day of the Spring Festival, over the usual; the days around it dip in proportion.",
    )
    festival_before: Days = parameter(
        "14 days",
        unit="days",
        low="1 day",
        high="60 days",
        source="assumption",
        doc="Days before the Spring Festival from which demand departs from the usual.",
    )
    festival_after: Days = parameter(
        "14 days",
        unit="days",
        low="1 day",
        high="60 days",
        source="assumption",
        doc="Days after the Spring Festival from which it is usual again.",
    )
    own_weekend: Number = parameter(
        0.0,
        unit="share",
        low=0.0,
        high=1.0,
        source="assumption: shops share their weekdays; `lendsim fit` estimates it",
        doc="Spread between shops of what they sell at the weekend, over the usual; the other days make up for it.",
    )
    own_weekdays: Number = parameter(
        0.0,
        unit="share",
        low=0.0,
        high=1.0,
        source="the same",
        doc="Spread between shops of each weekday for itself, over the usual.",
    )
    own_festival: Number = parameter(
        0.0,
        unit="share",
        low=0.0,
        high=2.0,
        source="the same",
        doc="Spread between shops of demand on the day of the Spring Festival, over the usual of that day.",
    )

    @property
    def weekdays(self) -> tuple[float, ...]:
        """Factors of Monday to Sunday, mean one."""
        days = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday)
        mean = sum(days) / 7.0
        return tuple(day / mean for day in days)
