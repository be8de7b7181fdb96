"""What lending is worth: expected loss, returns to lender and borrower, unit economics by product."""
