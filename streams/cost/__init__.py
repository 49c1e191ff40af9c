"""What services cost, whether that is within their budgets, and what of it is not needed. Pure."""
