"""What the keepers of master keys have in common: a key file, the environment, Vault."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Unwrapped(NamedTuple):
    """The key of a person, and what it is bound to."""

    bound: bytes
    key: bytes


class Wrapped(NamedTuple):
    """The same, encrypted."""

    bound: bytes
    text: str


class MasterKeys(Protocol):
    """Where the master keys are kept: in this process, or in a service that does not let them out."""

    def pseudonym_key(self) -> bytes:
        """Of all tenants; the same for ever."""

    def wrap(self, tenant: str, keys: Sequence[Unwrapped]) -> list[str]:
        """Encrypt keys of persons under the current key of their tenant."""

    def unwrap(self, tenant: str, keys: Sequence[Wrapped]) -> list[bytes]:
        """Decrypt them. Raises ``Rejected`` when the version that wrapped one is gone."""

    def are_current(self, texts: Sequence[str]) -> list[bool]:
        """Whether each of these wrapped keys is wrapped by the current version."""
