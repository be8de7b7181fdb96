"""The lenders' side of the market."""
