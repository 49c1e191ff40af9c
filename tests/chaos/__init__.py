"""Chaos: a real Kafka and real workers, faults by a seed, and a publisher that knows the truth. See `make chaos`."""
