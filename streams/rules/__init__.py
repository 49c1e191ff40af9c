"""Prometheus' rules on the stream: ``RuleEngine(groups, tenant).evaluate(now_ms, storage)``."""

from streams.rules.compiled import CompiledGroup, CompiledRule, compile_groups, compile_rules
from streams.rules.engine import RuleEngine

__all__ = ["CompiledGroup", "CompiledRule", "RuleEngine", "compile_groups", "compile_rules"]
