"""The evidence ledger: what was found and done, in a chain of hashes that nobody can alter unseen. Pure.

``docs/reference/evidence.md`` says what the bytes are, so that others can verify them without this code.
"""
