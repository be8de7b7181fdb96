"""The compiled loops of a day, built from the small rules of `sim.world`."""
