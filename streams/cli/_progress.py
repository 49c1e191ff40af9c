"""How far a long command is: a line on stderr every few seconds, none when it is done before."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

_SECONDS = 3.0

T = TypeVar("T")


def told(items: Iterable[T], size: Callable[[T], int], whole: int, what: str) -> Iterator[T]:
    """The items as they come; ``whole`` is what their sizes add up to."""
    done, told_at = 0, time.monotonic()
    for item in items:
        yield item
        done += size(item)
        if (now := time.monotonic()) >= told_at + _SECONDS:
            told_at = now
            click.echo(f"{what}: {done:,} of {whole:,}", err=True)
