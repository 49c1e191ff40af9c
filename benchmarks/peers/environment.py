"""An environment of its own for each peer in Python, made from the versions that it pins."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers import NotInstalled

_CACHE = Path(__file__).parents[2] / ".cache" / "peers"


def python(name: str) -> list[str]:
    """The command, so far, that runs Python with what ``benchmarks/peers/NAME/requirements.txt`` pins."""
    pinned = (Path(__file__).parent / name / "requirements.txt").read_text()
    environment = _CACHE / name
    interpreter, installed = environment / "bin" / "python", environment / "installed.txt"
    if not installed.exists() or installed.read_text() != pinned:
        shutil.rmtree(environment, ignore_errors=True)
        venv.create(environment, symlinks=True)
        _install(name, interpreter)
        installed.write_text(pinned)
    return [str(interpreter)]


def _install(name: str, interpreter: Path) -> None:
    """With our own pip, as new environments may come without one."""
    requirements = Path(__file__).parent / name / "requirements.txt"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(interpreter)]
    command = [*pip, "install", "--quiet", "--only-binary", ":all:", "--requirement", str(requirements)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        reason = next((line for line in reversed(run.stderr.splitlines()) if line.startswith("ERROR:")), run.stderr)
        raise NotInstalled(f"pip could not install {name}: {reason.removeprefix('ERROR: ').strip()}")
