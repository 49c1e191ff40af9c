"""``make bench-latency``: how long an event takes to a window, to ClickHouse and to whoever is on call, live."""
