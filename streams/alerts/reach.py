"""What of Alertmanager's configuration no alert reaches, given the rules and the ladders that there are."""

from collections.abc import Iterable, Iterator, Sequence

from schemas.yamltext import Problem
from streams.alerts.alertmanager import AlertmanagerConfig
from streams.alerts.ladders import LABEL, Ladder
from streams.alerts.routes import Known
from streams.rules.advice import kept_labels
from streams.rules.compiled import CompiledGroup, CompiledRule


def unreached(
    config: AlertmanagerConfig, groups: Iterable[CompiledGroup], ladders: Sequence[Ladder]
) -> Iterator[Problem]:
    """Receivers that no route names, and routes that no alert of these rules gets to."""
    if config.route is None:
        return
    named = {route.receiver for *_, route in config.route.paths()}
    for receiver in config.receivers:
        if receiver.name not in named:
            text = f"nobody is told by the receiver {receiver.name!r}: no route names it"
            yield Problem(receiver.place, text, f"add a route with receiver: {receiver.name}, or remove it")
    alerts = [known for group in groups for rule in group.rules for known in _alerts(group, rule, ladders)]
    if not alerts:
        return
    reached = {id(route) for known in alerts for route in config.route.reachable(known)}
    for *above, route in config.route.paths():
        if above and not route.routes and id(route) not in reached:
            matchers = ", ".join(map(str, route.matchers))
            text = f"no alert of the rules reaches the route {{{matchers}}} to {route.receiver!r}"
            yield Problem(route.place, text, "correct its matchers, move it up, or remove it")


def unrouted(config: AlertmanagerConfig, ladders: Iterable[Ladder]) -> Iterator[Problem]:
    """Steps of ladders that no route tells apart: they would tell again whoever knows already."""
    if config.route is None:
        return
    values = [m for *_, route in config.route.paths() for m in route.matchers if m.name == LABEL]
    for ladder in ladders:
        for step in ladder.steps:
            if step.after_ms and not any(matcher.test()(step.name) for matcher in values):
                text = f"no route of Alertmanager is for the step {step.name!r}: it tells those who know already"
                yield Problem(ladder.place, text, f"add a route with matchers: ['{LABEL} = {step.name}']")


def _alerts(group: CompiledGroup, rule: CompiledRule, ladders: Sequence[Ladder]) -> Iterator[Known]:
    """What is known of the labels of a rule's alerts: as they are, and for each step that they may be told by."""
    if not rule.rule.is_alert:
        return
    kept = kept_labels(rule.rule)
    values: dict[str, str | None] = dict.fromkeys(kept or ())
    for name, written in {**group.group.labels, **rule.rule.labels}.items():
        values[name] = None if "{{" in written.text else written.text
    known = Known({**values, "alertname": rule.rule.name, "tenant": None, LABEL: ""}, has_others=kept is None)
    yield known
    for ladder in ladders:
        fits = known.fits(ladder.matchers)
        if fits != "no":
            yield from (known.with_label(LABEL, step.name) for step in ladder.steps if step.after_ms)
        if fits == "surely":
            return
