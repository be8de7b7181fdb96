"""Many runs, compared properly."""
