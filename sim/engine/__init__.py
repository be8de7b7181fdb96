"""The engine: from a scenario to a day, from days to a run."""
