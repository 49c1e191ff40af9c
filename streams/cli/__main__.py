"""``python -m streams.cli``: the ``tidewatch`` command without its script."""

from streams.cli import main

main()
