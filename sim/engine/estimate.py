"""What a run will need, said before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from sim.engine.scenario import Scenario

# Measured with `base` on one core; the figures of a machine at hand differ.
PROCESS_BYTES = 400_000_000
BYTES_A_MERCHANT = 250
BYTES_A_LENDER_MERCHANT = 60
SECONDS_A_MERCHANT_DAY = 80e-9
SECONDS_A_DAY = 0.002


@dataclass(frozen=True)
class Estimate:
    """Memory in bytes and processor time in seconds of one run."""

    merchants: int
    days: int
    memory_bytes: int
    cpu_seconds: float

    @property
    def sentence(self) -> str:
        """The estimate in words."""
        gigabytes, minutes = self.memory_bytes / 1e9, self.cpu_seconds / 60
        long = f"{minutes:,.0f} minutes" if minutes < 120 else f"{minutes / 60:,.0f} hours"
        time = f"{self.cpu_seconds:,.0f} seconds" if minutes < 2 else long
        return (
            f"{self.merchants:,} merchants over {self.days:,} days need about {gigabytes:,.1f} GB of memory "
            f"and {time} of processor time a run"
        )


def estimate(scenario: Scenario) -> Estimate:
    """Estimate memory and time of one run of the scenario."""
    n, days, lenders = scenario.n_merchants, scenario.calendar.n_days, len(scenario.lenders)
    memory = PROCESS_BYTES + n * (BYTES_A_MERCHANT + BYTES_A_LENDER_MERCHANT * lenders)
    return Estimate(n, days, memory, days * (SECONDS_A_DAY + n * SECONDS_A_MERCHANT_DAY))
