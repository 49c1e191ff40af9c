"""Master keys in Vault: the requests of its transit engine, against a server that answers as its documentation says."""

import hashlib
import hmac
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from schemas.failures import Rejected, Unavailable
from schemas.keys import Unwrapped, Wrapped
from sinks.vault import Vault
from streams.privacy.sealing import Cipher


class Transit(BaseHTTPRequestHandler):
    """A transit key with versions, derived by context, that binds associated data."""

    latest, sealed = 1, False

    def do_GET(self) -> None:
        self._reply(200, {"latest_version": self.latest})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Vault-Token"] != "token":
            self._reply(403, {})
        elif self.sealed:
            self._reply(503, {})
        elif "/hmac/" in self.path:
            mac = hmac.digest(b"v%d" % asked["key_version"], b64decode(asked["input"]), "sha256")
            self._reply(200, {"hmac": f"vault:v1:{b64encode(mac).decode()}"})
        else:
            self._reply(200, {"batch_results": [self._one(item) for item in asked["batch_input"]]})

    def _one(self, item: dict[str, str]) -> dict[str, str]:
        bound = b64decode(item["associated_data"])
        if "plaintext" in item:
            body = self._cipher(self.latest, item).seal(b64decode(item["plaintext"]), bound)
            return {"ciphertext": f"vault:v{self.latest}:{b64encode(body).decode()}"}
        _, version, body_text = item["ciphertext"].split(":")
        try:
            opened = self._cipher(int(version[1:]), item).open(b64decode(body_text), bound)
        except Rejected:
            return {"error": "cipher: message authentication failed"}
        return {"plaintext": b64encode(opened).decode()}

    @staticmethod
    def _cipher(version: int, item: dict[str, str]) -> Cipher:
        return Cipher(hashlib.sha256(f"{version} {item['context']}".encode()).digest())

    def _reply(self, status: int, data: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"data": data}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    monkeypatch.setattr(Transit, "latest", 1)
    monkeypatch.setattr(Transit, "sealed", False)
    server = HTTPServer(("127.0.0.1", 0), Transit)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "token").write_text("token\n")
    yield Vault(f"http://127.0.0.1:{server.server_port}/v1/transit/tidewatch", str(tmp_path / "token"))
    server.shutdown()
    server.server_close()


def test_keys_are_wrapped_for_their_tenant_and_person(vault: Vault) -> None:
    texts = vault.wrap("a", [Unwrapped(b"p-1", b"1" * 32), Unwrapped(b"p-2", b"2" * 32)])

    assert vault.unwrap("a", [Wrapped(b"p-1", texts[0]), Wrapped(b"p-2", texts[1])]) == [b"1" * 32, b"2" * 32]
    for tenant, bound in (("b", b"p-1"), ("a", b"p-2")):
        with pytest.raises(Rejected, match="does not decrypt"):
            vault.unwrap(tenant, [Wrapped(bound, texts[0])])


def test_a_rotated_key_still_opens_what_it_has_wrapped(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    [old] = vault.wrap("a", [Unwrapped(b"p-1", b"1" * 32)])
    pseudonyms = vault.pseudonym_key()
    monkeypatch.setattr(Transit, "latest", 2)
    [new] = vault.wrap("a", [Unwrapped(b"p-1", b"1" * 32)])

    assert vault.are_current([old, new]) == [False, True]
    assert vault.unwrap("a", [Wrapped(b"p-1", old), Wrapped(b"p-1", new)]) == [b"1" * 32] * 2
    assert vault.pseudonym_key() == pseudonyms


def test_many_keys_go_in_several_requests(vault: Vault) -> None:
    keys = [Unwrapped(b"p-%d" % number, bytes([number % 256]) * 32) for number in range(2_500)]
    texts = vault.wrap("a", keys)

    wrapped = [Wrapped(key.bound, text) for key, text in zip(keys, texts, strict=True)]
    assert vault.unwrap("a", wrapped) == [key.key for key in keys]


def test_a_sealed_vault_may_answer_later(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Transit, "sealed", True)

    with pytest.raises(Unavailable, match="503"):
        vault.pseudonym_key()


def test_a_token_without_rights_is_told_and_not_quoted(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another-token")

    with pytest.raises(Rejected, match="policy of the token") as refused:
        vault.pseudonym_key()

    assert "another-token" not in str(refused.value)


def test_a_vault_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("token")

    with pytest.raises(Unavailable, match="does not answer"):
        Vault("http://127.0.0.1:9/v1/transit/x", str(tmp_path / "token")).pseudonym_key()


@pytest.mark.parametrize("url", ["http://vault:8200/v1/transit/x", "https://vault:8200/transit/x", "vault"])
def test_keys_travel_only_encrypted_and_to_a_transit_key(url: str) -> None:
    with pytest.raises(Rejected, match="https"):
        Vault(url, "token")
