"""Master keys in the transit engine of Vault or OpenBao: https://developer.hashicorp.com/vault/api-docs/secret/transit.

Vault encrypts and decrypts the keys of persons; its own keys never leave it. One transit key, derived by tenant: it is
made by ``vault write transit/keys/NAME type=aes256-gcm96 derived=true``. The key of pseudonyms is what Vault's HMAC of
version 1 gives, so that it stays the same when the key is rotated.

*Delivery*: a call is answered or raises. *Back-pressure*: ``Unavailable`` when Vault does not answer or is sealed.
"""

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.failures import Rejected, Unavailable
from schemas.keys import Unwrapped, Wrapped

_TIMEOUT_SECONDS = 10.0
_AT_ONCE = 1_000
"""Keys in one request."""

_SEALED_OR_STANDBY = frozenset({429, 472, 473, 500, 502, 503})
"""Status of a Vault that may answer later."""


class Vault:
    """``url`` is the address of the transit key, such as ``https://vault:8200/v1/transit/tidewatch``."""

    def __init__(self, url: str, token_file: str, ca_file: str = "") -> None:
        self._mount, _, self._name = url.rstrip("/").rpartition("/")
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")) or "/v1/" not in url:
            raise Rejected("privacy.vault_url must be https://HOST:8200/v1/MOUNT/KEY, such as .../v1/transit/tidewatch")
        self._token_file = token_file
        self._tls = ssl.create_default_context(cafile=ca_file or None)

    def pseudonym_key(self) -> bytes:
        """Of all tenants; the same for ever."""
        asked = {"input": _text(b"tidewatch pseudonyms"), "key_version": 1, "algorithm": "sha2-256"}
        answer: str = self._call("hmac", asked)["hmac"]
        return b64decode(answer.rpartition(":")[2])

    def wrap(self, tenant: str, keys: Sequence[Unwrapped]) -> list[str]:
        """Encrypt keys of persons under the current version of their tenant's key."""
        items = [{"plaintext": _text(key), **_place(tenant, bound)} for bound, key in keys]
        return [result["ciphertext"] for result in self._batch("encrypt", items)]

    def unwrap(self, tenant: str, keys: Sequence[Wrapped]) -> list[bytes]:
        """Decrypt them. Raises ``Rejected`` when Vault has not the version that wrapped one."""
        items = [{"ciphertext": text, **_place(tenant, bound)} for bound, text in keys]
        return [b64decode(result["plaintext"]) for result in self._batch("decrypt", items)]

    def are_current(self, texts: Sequence[str]) -> list[bool]:
        """Whether each of these wrapped keys is wrapped by the latest version of the key."""
        latest = f"v{self._call('keys', None)['latest_version']}"
        return [text.split(":")[1] == latest for text in texts]

    def _batch(self, action: str, items: list[dict[str, str]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for start in range(0, len(items), _AT_ONCE):
            found += self._call(action, {"batch_input": items[start : start + _AT_ONCE]})["batch_results"]
        if any(result.get("error") for result in found):
            raise Rejected(f"Vault does not {action} a key: the version that wrapped it may be gone, or it was altered")
        return found

    def _call(self, action: str, asked: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self._mount}/{action}/{self._name}",
            data=None if asked is None else json.dumps(asked).encode(),
            headers={"X-Vault-Token": self._token(), "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=self._tls) as answer:  # noqa: S310
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except urllib.error.HTTPError as error:
            if error.code in _SEALED_OR_STANDBY:
                raise Unavailable(f"Vault answers {error.code} to {action}") from None
            raise Rejected(
                f"Vault answers {error.code} to {action}: correct privacy.vault_url, or the policy of the token"
            ) from None
        except OSError as error:
            raise Unavailable(f"Vault does not answer: {error}") from None

    def _token(self) -> str:
        try:
            return Path(self._token_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise Rejected(f"privacy.vault_token_file: {self._token_file} is not a readable text file") from None


def _place(tenant: str, bound: bytes) -> dict[str, str]:
    return {"context": _text(f"tidewatch tenant {tenant}".encode()), "associated_data": _text(bound)}


def _text(data: bytes) -> str:
    return b64encode(data).decode()
