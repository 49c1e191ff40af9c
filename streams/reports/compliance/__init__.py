"""The report on compliance: scores of controls, violations, attestations and the seal of the evidence ledger. Pure."""
