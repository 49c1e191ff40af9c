"""Functions of labels: ``label_replace`` and ``label_join``."""

from schemas.failures import Rejected
from streams.promql.call import Call, Implementation
from streams.promql.moment import Moment
from streams.promql.regex import anchored, expanded
from streams.promql.values import NAME, Labels, Sample, Vector


def _label_replace(call: Call, moment: Moment) -> Vector:
    target, template, source, pattern = (call.text(index, moment) for index in range(1, 5))
    if not target:
        raise Rejected(f"invalid destination label name in label_replace(): {target}")
    compiled = anchored(pattern)
    result = []
    for sample in call.vector(0, moment):
        found = compiled.fullmatch(sample.labels.get(source, ""))
        result.append(_with_label(sample, target, expanded(template, found)) if found else sample)
    return _distinct(result)


def _label_join(call: Call, moment: Moment) -> Vector:
    target, separator = call.text(1, moment), call.text(2, moment)
    sources = [call.text(index, moment) for index in range(3, len(call.arguments))]
    if not target:
        raise Rejected(f"invalid destination label name in label_join(): {target}")
    if "" in sources:
        raise Rejected("invalid source label name in label_join(): ")
    result = []
    for sample in call.vector(0, moment):
        joined = separator.join(sample.labels.get(source, "") for source in sources)
        result.append(_with_label(sample, target, joined))
    return _distinct(result)


def _with_label(sample: Sample, name: str, value: str) -> Sample:
    drops_name = sample.drop_name and name != NAME
    return Sample(Labels(sample.labels.changed([(name, value)])), sample.value, drops_name)


def _distinct(vector: Vector) -> Vector:
    if len({sample.labels for sample in vector}) != len(vector):
        raise Rejected("vector cannot contain metrics with the same labelset")
    return vector


TABLE: dict[str, Implementation] = {"label_join": _label_join, "label_replace": _label_replace}
