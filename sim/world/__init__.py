"""The merchants' side of the market: what no lender may import."""
