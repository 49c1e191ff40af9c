"""Rows and ledger entries as events of OCSF 1.8, the Open Cybersecurity Schema Framework, for a SIEM. Pure."""
