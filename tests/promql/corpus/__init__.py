"""Expressions of alert and recording rules that are in use, and series made up to suit each of them."""
