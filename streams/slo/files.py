"""The objectives of files, each either OpenSLO or the short form, checked as far as that is possible without data."""

from collections.abc import Mapping

import msgspec

from schemas.openslo import is_openslo, read_openslo
from schemas.slo import Maintenance, Objective
from schemas.slo_short import read_short
from schemas.yamltext import Problem
from streams.slo.sources import check


class Objectives(msgspec.Struct, frozen=True):
    """What is in the files. With problems, it is not whole."""

    objectives: list[Objective]
    maintenance: list[Maintenance]
    problems: list[Problem]


def read_objectives(files: Mapping[str, str]) -> Objectives:
    """``files``: name to text. Documents of OpenSLO may refer to those of other files."""
    openslo = {name: text for name, text in files.items() if is_openslo(text, name)}
    objectives, problems = read_openslo(openslo)
    maintenance: list[Maintenance] = []
    for name, text in files.items():
        if name not in openslo:
            found, declared, more = read_short(text, name)
            objectives += found
            maintenance += declared
            problems += more
    return Objectives(objectives, maintenance, sorted({*problems, *check(objectives)}))
