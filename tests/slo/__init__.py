"""Tests of objectives: reading, windows, budgets, burn rates, and what is imported and exported."""
