"""What everything stands on: days, draws, money, columns, loans, compiled primitives."""
