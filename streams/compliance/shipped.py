"""The policies that come with Tidewatch: a file each in ``policies/``, in a folder for each duty."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from streams.compliance.judging import Judge, compile_policies
from streams.compliance.reading import AnyPolicyFile, read_policy


def shipped_texts() -> Iterator[tuple[str, str]]:
    """Name and text of each file, such as ``lawfulness/consent-given.yml``."""
    for folder in _sorted(files("streams.compliance") / "policies"):
        for file in _sorted(folder) if folder.is_dir() else ():
            if file.name.endswith(".yml"):
                yield f"{folder.name}/{file.name}", file.read_text(encoding="utf-8")


@cache
def shipped_files() -> tuple[AnyPolicyFile, ...]:
    """The policies as they are written."""
    found = []
    for name, text in shipped_texts():
        policy, problems = read_policy(text, name)
        assert policy is not None, "\n".join(map(str, problems))
        found.append(policy)
    return tuple(found)


@cache
def shipped() -> Judge:
    """The policies, ready to judge."""
    judge, problems = compile_policies(shipped_files())
    assert not problems, "\n".join(map(str, problems))
    return judge


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda entry: entry.name)
