"""Where the master keys of personal data come from: Vault, a variable, or a file that nobody else may read."""

import hmac
import os
import stat
from pathlib import Path

from schemas.config import Config
from schemas.failures import Rejected
from schemas.keys import MasterKeys
from sinks.vault import Vault
from streams.privacy.masterkeys import KeyFile, LocalKeys, read_keys, with_root, written
from streams.privacy.protection import Protection
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.rules import Classes
from streams.privacy.sealing import KEY_BYTES


def load_master_keys(config: Config) -> MasterKeys:
    """The keys that the configuration names.

    Beside a chDB directory they are made when they are not there, so that nothing is ever stored without.
    Raises ``Rejected`` with what to do, ``Unavailable`` when Vault is.
    """
    privacy = config.privacy
    if privacy.vault_url:
        return Vault(privacy.vault_url, privacy.vault_token_file, privacy.vault_ca_file)
    if privacy.keys:
        return read_keys(privacy.keys)
    file = key_file(config)
    if file is None:
        raise Rejected(
            "personal data need keys before anything is stored: run `tidewatch keys create FILE`, keep a copy elsewhere"
            ", and set privacy.keys_file (or privacy.vault_url)"
        )
    if not privacy.keys_file and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        create_key_file(file)
    return LocalKeys(_key_file(file), lambda: _key_file(file))


def _key_file(file: Path) -> KeyFile:
    return read_keys(_private_text(file)).file


def key_file(config: Config) -> Path | None:
    """The file of the keys; None when the configuration names none, and no chDB directory that it would be beside."""
    if config.privacy.keys_file:
        return Path(config.privacy.keys_file)
    scheme, _, directory = config.clickhouse.url.partition(":")
    return Path(f"{directory.rstrip('/')}.keys") if scheme == "chdb" else None


def create_key_file(file: Path) -> None:
    """A new key file with random keys, mode 0600. Does nothing when another process was faster."""
    text = written(os.urandom(KEY_BYTES), {1: os.urandom(KEY_BYTES)}, 1)
    draft = write_private(file.with_name(f"{file.name}.{os.getpid()}"), text)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def add_root(file: Path, root: bytes) -> None:
    """Put a new root into a key file, which wraps from then on; the file is replaced at once or not at all."""
    held = read_keys(_private_text(file)).file
    version = max(map(int, held.roots)) + 1
    draft = write_private(file.with_name(f"{file.name}.{os.getpid()}"), with_root(held, version, root))
    draft.replace(file)


def write_private(file: Path, text: str) -> Path:
    """A new file that only its owner can read, on the disk when this returns."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    return file


def writer_credential(master: MasterKeys) -> str:
    """The password with which whoever has the master keys may write into a chDB directory that a worker owns."""
    return hmac.digest(master.pseudonym_key(), b"tidewatch clickhouse writer", "sha256").hex()


def load_protection(config: Config, master: MasterKeys) -> Protection:
    """What the worker does with personal data. Raises ``Rejected`` for a path rule that makes no sense."""
    return Protection(Classes(config.privacy.fields), Pseudonyms(master.pseudonym_key()))


def _private_text(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Rejected(
            f"{file} is not a readable key file; restore it, or see `tidewatch keys create --help`"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise Rejected(f"others may read the key file {file}; run: chmod 600 {file}")
    return text
