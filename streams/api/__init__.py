"""Prometheus' HTTP API on the worker's port, for Grafana, ``promtool query`` and ``tidewatch promql``."""

from streams.api.routes import mount

__all__ = ["mount"]
