"""Whether services are well: who is silent, who flaps, and whose fault it is. Pure, but for :mod:`.checks`."""
