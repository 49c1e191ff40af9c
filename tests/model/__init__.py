"""A model of the protocol: the real stages against a Kafka and a ClickHouse that fail where a plan says."""
