"""Personal data on their way to the store: what is classified becomes pseudonym and ciphertext, the rest is scanned.

Pure. Keys arrive as arguments; ``streams/stages/sealing.py`` fetches them, and the table ``subject_keys`` keeps them.
"""
