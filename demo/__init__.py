"""``tidewatch demo``: the whole pipeline on one machine, and real data to watch it with."""
