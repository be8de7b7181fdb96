"""How fast the engine is, measured beside a peer: CPU time, memory, where the time goes."""
