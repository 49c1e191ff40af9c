"""How fast Tidewatch is, beside others that do the same work on the same broker in one run: docs/performance.md."""
