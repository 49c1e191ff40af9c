"""The reference pages, one module each; see ``docs/generate.py``."""
