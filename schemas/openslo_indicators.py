"""OpenSLO indicators whose metric sources are of the type ``kafka-stream``."""

from collections.abc import Mapping
from typing import cast

import yaml

from schemas.slo import Indicator, Op, Ratio, Raw, Source, Threshold
from schemas.slo_values import decimal, source
from schemas.yamltext import YamlText

TYPE = "kafka-stream"
OPS = ("lt", "lte", "gt", "gte")

_RATIO = ("counter", "good", "bad", "total", "raw", "rawType")


class Indicators:
    """Reads the indicators of one document; ``data_sources`` are the types of the DataSources by name."""

    def __init__(self, text: YamlText, data_sources: Mapping[str, str]) -> None:
        self._text = text
        self._data_sources = data_sources

    def read(self, spec: yaml.Node, slo: YamlText, objective: Mapping[str, yaml.Node]) -> Indicator | None:
        """The indicator of one objective of a document, whose ``op`` and ``value`` a threshold needs.

        None: it has mistakes.
        """
        entries = self._text.mapping(spec, "spec of an SLI", ("description", "thresholdMetric", "ratioMetric"))
        if ("thresholdMetric" in entries) == ("ratioMetric" in entries):
            self._text.report(spec, "an SLI has to have either thresholdMetric or ratioMetric", "keep one of them")
            return None
        if "thresholdMetric" in entries:
            return self._threshold(entries["thresholdMetric"], slo, objective)
        return self._ratio(entries["ratioMetric"])

    def _threshold(self, node: yaml.Node, slo: YamlText, objective: Mapping[str, yaml.Node]) -> Indicator | None:
        found = self._metric(node, "thresholdMetric")
        if "op" not in objective or "value" not in objective:
            self._text.report(node, "thresholdMetric needs op and value in each objective", "add op: lte and value:")
            return None
        value = decimal(slo, objective["value"], "objectives.value")
        op = comparison(slo, objective["op"], "objectives.op")
        return Threshold(source=found, op=op, value=float(value)) if found else None

    def _ratio(self, node: yaml.Node) -> Indicator | None:
        text = self._text
        entries = text.mapping(node, "ratioMetric", _RATIO)
        if "raw" in entries:
            return self._raw(node, entries)
        if ("good" in entries) == ("bad" in entries) or "total" not in entries:
            text.report(node, "ratioMetric needs total and one of good and bad", "or raw and rawType")
            return None
        counter = text.text_of(entries.get("counter"), "ratioMetric.counter") or "true"
        if counter.lower() not in ("true", "false"):
            text.report(entries["counter"], f"ratioMetric.counter is {counter!r}", "write true or false")
        given = [key for key in ("good", "bad", "total") if key in entries]
        parts = {key: self._metric(entries[key], f"ratioMetric.{key}") for key in given}
        if None in parts.values():
            return None
        total = cast(Source, parts.pop("total"))
        return Ratio(total=total, is_counter=counter.lower() == "true", **parts)

    def _raw(self, node: yaml.Node, entries: Mapping[str, yaml.Node]) -> Indicator | None:
        kind = self._text.text_of(entries.get("rawType"), "ratioMetric.rawType")
        if kind not in ("success", "failure"):
            self._text.report(entries.get("rawType", node), "ratioMetric.rawType is wrong", "write success or failure")
            return None
        found = self._metric(entries["raw"], "ratioMetric.raw")
        if found and not found.query:
            self._text.report(entries["raw"], "ratioMetric.raw has series instead of a query", "write query:")
            return None
        return Raw(source=found, kind="success" if kind == "success" else "failure") if found else None

    def _metric(self, node: yaml.Node, what: str) -> Source | None:
        text = self._text
        outer = text.mapping(node, what, ("metricSource",))
        if "metricSource" not in outer:
            text.report(node, f"{what} has no metricSource", f"add metricSource: with type: {TYPE} and spec:")
            return None
        entries = text.mapping(outer["metricSource"], f"{what}.metricSource", ("metricSourceRef", "type", "spec"))
        kind = self._type(entries, what)
        if kind != TYPE:
            at = entries.get("type", entries.get("metricSourceRef", outer["metricSource"]))
            text.report(at, f"{what}.metricSource.type is {kind!r}, which is not supported", f"write type: {TYPE}")
            return None
        if "spec" not in entries:
            text.report(outer["metricSource"], f"{what}.metricSource has no spec", "add spec: with series: or query:")
            return None
        return source(text, entries["spec"], f"{what}.metricSource.spec")

    def _type(self, entries: Mapping[str, yaml.Node], what: str) -> str:
        if "type" in entries:
            return self._text.text_of(entries["type"], f"{what}.metricSource.type")
        reference = self._text.text_of(entries.get("metricSourceRef"), f"{what}.metricSource.metricSourceRef")
        return self._data_sources.get(reference, "")


def comparison(text: YamlText, node: yaml.Node, what: str) -> Op:
    """One of OpenSLO's operators."""
    written = text.text_of(node, what)
    if written not in OPS:
        text.report(node, f"{what} is {written!r}", f"write one of {', '.join(OPS)}")
        return "gte"
    return cast(Op, written)
