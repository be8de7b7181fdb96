"""The other players: the platform, the funding bank, the regulator, the insurer."""
