"""The objectives and the maintenance that a configuration names."""

from pathlib import Path

import pytest

from schemas.config import Slo
from schemas.failures import Rejected
from streams.config.files import load_objectives

EXAMPLE = Path(__file__).parents[2] / "objectives.example.yml"


def test_the_example_has_the_four_objectives_of_a_service() -> None:
    found = load_objectives(Slo(files=[str(EXAMPLE)], maintenance=""))
    assert [each.name.removeprefix("checkout-") for each in found.objectives] == [
        "uptime",
        "response_time",
        "error_rate",
        "throughput",
    ]


def test_without_files_there_are_none_and_the_file_of_maintenance_need_not_exist(tmp_path: Path) -> None:
    found = load_objectives(Slo(maintenance=str(tmp_path / "maintenance.yml")))
    assert (found.objectives, found.maintenance) == ([], [])


def test_maintenance_is_read_beside_the_objectives(tmp_path: Path) -> None:
    path = tmp_path / "maintenance [1].yml"
    path.write_text('maintenance:\n  - {name: move, start: "2026-11-22 10:00", for: 2h}\n')
    found = load_objectives(Slo(files=[str(EXAMPLE)], maintenance=str(path)))
    assert [each.name for each in found.maintenance] == ["move"]


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "o.yml"
    path.write_text("services:\n  shop: {uptime: 120%}\n")
    with pytest.raises(Rejected, match=r"o\.yml:2:\d+: uptime"):
        load_objectives(Slo(files=[str(path)]))
    with pytest.raises(Rejected, match=r"slo\.files: no file matches"):
        load_objectives(Slo(files=[str(tmp_path / "none.yml")]))
