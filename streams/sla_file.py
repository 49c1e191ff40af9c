"""The service level file: read, checked, and explained when it is wrong."""

import tomllib
from pathlib import Path

import msgspec

from schemas.failures import Rejected
from schemas.sla import Sla


def load_sla(path: str) -> Sla:
    """The targets in ``path``, or the defaults when it is empty. Raises Rejected with file and place."""
    if not path:
        return Sla()
    try:
        return msgspec.convert(tomllib.loads(Path(path).read_text(encoding="utf-8")), Sla)
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"sla.file: {path} cannot be read; give a TOML file, or leave it out for the defaults") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Rejected(f"{path}: {error}; the tables are [targets], [indicators] and [services.NAME]") from None
