"""Builds the peers that run on the JVM, from Maven artifacts and the Java sources beside this file."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.peers import NotInstalled

_HERE = Path(__file__).parent
_CACHE = Path(__file__).parents[2] / ".cache" / "peers"
_SHARED = "jvm"
_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=error",)


def java(name: str, *options: str) -> list[str]:
    """The command, so far, that runs the ``Main`` of the folder ``name``, built when its sources have changed."""
    java = shutil.which("java")
    if java is None:
        raise NotInstalled(f"{name} needs Java 17 or later: apt-get install default-jre-headless maven")
    return [java, *options, *_QUIET, "-cp", f"{_built(name)}/*", f"{name}.Main"]


def _built(name: str) -> Path:
    """The folder with all jars."""
    sources = sorted(path for folder in (_SHARED, name) for path in (_HERE / folder).glob("[!_.]*.*"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    jars = _CACHE / f"{name}-{digest}"
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise NotInstalled(f"Maven builds {name}: apt-get install default-jre-headless maven")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as directory:
        unfinished = Path(directory) / "jars"
        goals = ["package", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        command = [maven, "-q", "-B", "-f", str(_HERE / name / "pom.xml"), f"-Doutput={unfinished}", *goals]
        run = subprocess.run([*command, f"-DoutputDirectory={unfinished}"], capture_output=True, text=True)
        if run.returncode:
            raise NotInstalled(f"Maven could not build {name}; check its access to Maven Central:\n{run.stdout}")
        if not jars.exists():  # another run was faster
            unfinished.rename(jars)
    return jars
