"""After the payout: what lenders watch, what they do about late loans, and the new terms they agree."""
