"""The controls of the frameworks that events can witness, in our own words: ``controls.yml``."""

from functools import cache
from importlib.resources import files
from typing import get_args

import yaml

from schemas.policy import Framework

FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)


@cache
def controls() -> dict[Framework, dict[str, str]]:
    """Framework -> control -> what it asks for."""
    # Text alone: a control such as 10.10 is no number.
    text = (files("streams.compliance") / "controls.yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # type: ignore[no-any-return]  # noqa: S506 - makes texts only


def catalogue() -> dict[str, str]:
    """``gdpr art-6`` -> what it asks for."""
    return {f"{framework} {name}": says for framework, listed in controls().items() for name, says in listed.items()}
