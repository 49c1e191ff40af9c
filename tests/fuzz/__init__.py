"""Hostile input, for seconds in a test run and for minutes by ``make fuzz``: no crash, no leak, no wrong verdict."""
