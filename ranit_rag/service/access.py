"""Who may use the server: bearer keys, each with what it may do and which stores are its own."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ranit_rag.errors import ConfigError

KEYS_VARIABLE = "RANIT_KEYS"
SHORTEST = 16
_NEW_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(24))' makes one"
_FILE_HINT = '[name], then secret = "…", access = "read" or "write", stores = ["…"] (optional)'

Access = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Key:
    """What a caller may do. ``stores`` are the only ones that it sees and writes; None means all."""

    name: str
    access: Access = "write"
    stores: frozenset[str] | None = None


ANYBODY = Key("anybody")


class Keys:
    """The keys that are known, by the digests of their secrets; without any, everybody is served."""

    def __init__(self, secrets: Iterable[tuple[str, Key]] = ()) -> None:
        self._keys: dict[bytes, Key] = {}
        for secret, key in secrets:
            if len(secret) < SHORTEST:
                raise ConfigError(
                    f"the secret of the key {key.name!r} has {len(secret)} characters",
                    hint=f"give it {SHORTEST} or more: {_NEW_KEY}",
                )
            if self._keys.setdefault(_digest(secret), key) is not key:
                raise ConfigError(f"the key {key.name!r} has the secret of another", hint=_NEW_KEY)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def restricted(self) -> bool:
        """Whether some key has stores of its own."""
        return any(key.stores is not None for key in self._keys.values())

    def holder(self, authorization: str | None) -> Key | None:
        """Whose key the header carries; None where that is nobody's. The time tells nothing about the secrets."""
        if not self._keys:
            return ANYBODY
        scheme, _, secret = (authorization or "").partition(" ")
        return self._keys.get(_digest(secret.strip())) if scheme.lower() == "bearer" else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def read_keys(path: Path | None, variable: str) -> Keys:
    """The keys of a TOML file and of ``RANIT_KEYS``. Raises ConfigError, which never tells a secret."""
    return Keys([*(_in_file(path) if path is not None else ()), *_in_variable(variable)])


def _in_file(path: Path) -> list[tuple[str, Key]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="check the path of --keys") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not a TOML file of keys: {error}", hint=_FILE_HINT) from error
    return [_from_table(path, name, table) for name, table in tables.items()]


def _from_table(path: Path, name: str, table: object) -> tuple[str, Key]:
    if not isinstance(table, Mapping) or not isinstance(table.get("secret"), str):
        raise ConfigError(f"{path}: {name!r} has no secret", hint=_FILE_HINT)
    unknown = sorted(table.keys() - {"secret", "access", "stores"})
    if unknown:
        raise ConfigError(f"{path}: the key {name!r} has {unknown[0]!r}", hint=_FILE_HINT)
    stores = table.get("stores")
    if stores is not None and not (isinstance(stores, list) and all(isinstance(item, str) for item in stores)):
        raise ConfigError(f"{path}: stores of the key {name!r} are not a list of names", hint=_FILE_HINT)
    return table["secret"], _key(name, table.get("access", "write"), None if stores is None else frozenset(stores))


def _in_variable(variable: str) -> list[tuple[str, Key]]:
    found = []
    for number, item in enumerate(filter(None, map(str.strip, variable.split(","))), start=1):
        name, *rest = item.split(":")
        if not name or len(rest) not in (1, 2) or not rest[0]:
            raise ConfigError(
                f"{KEYS_VARIABLE}: entry {number} is not a key", hint="write name:secret or name:secret:read, …"
            )
        found.append((rest[0], _key(name, rest[1] if len(rest) == 2 else "write", None)))
    return found


def _key(name: str, access: Any, stores: frozenset[str] | None) -> Key:
    if access not in ("read", "write"):
        raise ConfigError(f"the key {name!r} has the access {access!r}", hint="access is read or write")
    return Key(name, access, stores)
