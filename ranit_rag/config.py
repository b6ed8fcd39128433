"""Settings: what ``ranit.toml`` and the ``RANIT_*`` variables say, checked before anything is loaded."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import platformdirs

from ranit_rag.errors import ConfigError

FILE_NAME = "ranit.toml"
CONFIG_VARIABLE = "RANIT_CONFIG"
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_EXPECTED = {str: "a string", bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the pipeline and its engine are told. None means: the engine's own choice.

    ``Settings()`` is the defaults alone; ``Settings.load()`` reads the files and the environment.
    """

    home: Path = field(default_factory=lambda: Path(platformdirs.user_data_dir("ranit", appauthor=False)))
    """The folder of the stores and of the user's own ``ranit.toml``."""
    stores: str | None = None
    """The directory of the example stores, or the URL of a Chroma server; None: ``stores`` in the home folder."""
    tenant: str = "default_tenant"
    """The tenant of the Chroma server."""
    database: str = "default_database"
    """The database of the Chroma server."""
    stores_token: str | None = field(default=None, repr=False)
    """The bearer token for the Chroma server."""
    judge: Literal["calibrated", "paper", "always", "never", "llm"] = "calibrated"
    """Who decides whether examples are shown: see ``ranit_rag.retrieval``. ``never`` opens no store."""
    strategy: Literal["nn", "nn_bm25", "diverse_nn", "diverse_nn_bm25", "bm25_rank", "random", "mixed"] = "nn"
    """How in-domain examples are chosen among the nearest."""
    k: int = 2
    """How many examples are shown."""
    domain: str | None = None
    """The only store to take examples from; None: the judge chooses among all."""
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    model: str | None = None
    """A model's name or directory; None: the embedded checkpoint."""
    adapter: str | None = None
    """The directory of a LoRA adapter to load over the model."""
    base_url: str | None = None
    """The root of an OpenAI-compatible server, for example ``http://localhost:8000/v1``."""
    api_key: str | None = field(default=None, repr=False)
    """The server's key: ``RANIT_API_KEY``, else ``OPENAI_API_KEY``."""
    tokenizer: str | None = None
    """A tokenizer's name or directory, for servers that do not tell theirs."""
    profile: str | None = None
    """A prompt profile's name, or the path of a profile file."""
    language: str | None = None
    device: str | None = None
    dtype: str | None = None
    grammar: bool = True
    """Whether answers are held to JSON lists of spans of the text, where the engine can do so."""
    overlaps: Literal["keep", "flat"] | None = None
    """Whether entities may overlap, or of those that do only the best stays; None: what the checkpoint recommends."""
    min_score: float | None = None
    """The score below which entities are dropped; None: what the checkpoint recommends, else 0."""
    precedents: bool | None = None
    """Whether what the text's own store says of the same words counts; None: as the checkpoint recommends, else not."""
    max_output_tokens: int = 256
    """The longest answer to one query, in tokens."""
    batch_tokens: int | None = None
    """The most tokens, padding included, that the transformers engine holds at once; None: what suits the device."""
    timeout: float = 60.0
    """Seconds that a server has for one attempt at a request, from the connection to the last byte of the answer."""
    concurrency: int = 16
    """The most requests that a server is sent at once."""

    def __post_init__(self) -> None:
        for name in ("k", "max_output_tokens", "batch_tokens", "timeout", "concurrency"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise ConfigError(f"{name} is {value}", hint=f"{name} must be greater than 0")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ConfigError(f"min_score is {self.min_score}", hint="a score is a probability: give 0 to 1")

    @classmethod
    def load(cls, path: Path | None = None, **overrides: Any) -> Settings:
        """Gather the settings: ``overrides``, then ``RANIT_*`` variables, the project's file, the user's file.

        The project's file is ``path``, else ``$RANIT_CONFIG``, else ``./ranit.toml``; the user's is ``ranit.toml`` in
        the home folder. An override of None counts as not given, an empty variable as not set. Raises ConfigError
        that names the file or variable for a key that does not exist or a value of the wrong kind.
        """
        given = {key: value for key, value in overrides.items() if value is not None}
        layers = [_checked(given, "an argument"), _environment(os.environ), _project_file(path)]
        home = _first(layers, "home") or cls().home
        layers.append(_user_file(home / FILE_NAME))
        merged: dict[str, Any] = {"api_key": os.environ.get("OPENAI_API_KEY") or None}
        for layer in reversed(layers):
            merged |= layer
        return cls(**merged)


def _project_file(path: Path | None) -> dict[str, Any]:
    variable = os.environ.get(CONFIG_VARIABLE)
    if path is not None or variable:
        path = Path(path or variable or "").expanduser()
        if not path.is_file():
            raise ConfigError(
                f"the settings file {str(path)!r} does not exist", hint=f"check the path, or ${CONFIG_VARIABLE}"
            )
        return _read(path)
    return _read(Path(FILE_NAME)) if Path(FILE_NAME).is_file() else {}


def _user_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    values = _read(path)
    if "home" in values:
        raise ConfigError(f"{path}: home cannot be set in the file that lies in it", hint="set RANIT_HOME instead")
    return values


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}", hint='a line reads like: engine = "openai"') from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="check the file's permissions") from error
    return _checked(values, str(path))


def _environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """The settings among the variables. One that only nearly names a setting is an error; others may be anybody's."""
    kinds = _kinds()
    found: dict[str, Any] = {}
    for variable, text in variables.items():
        if not variable.startswith("RANIT_") or variable == CONFIG_VARIABLE or not text.strip():
            continue
        name = variable.removeprefix("RANIT_").lower()
        if name in kinds:
            found[name] = _value(name, _parsed(kinds[name], text.strip()), variable)
        elif difflib.get_close_matches(name, kinds, n=1, cutoff=0.75):
            raise _unknown(name, f"the variable {variable}", prefix="RANIT_")
    return found


def _checked(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    for name in values:
        if name not in _kinds():
            raise _unknown(name, source)
    return {name: _value(name, value, source) for name, value in values.items()}


def _unknown(name: str, source: str, *, prefix: str = "") -> ConfigError:
    shown = [f"{prefix}{key.upper()}" if prefix else key for key in _kinds()]
    near = difflib.get_close_matches(f"{prefix}{name.upper()}" if prefix else name, shown, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return ConfigError(f"{source}: there is no setting {name!r}", hint=f"{guess}valid are {', '.join(shown)}")


def _value(name: str, value: object, source: str) -> Any:
    """``value`` in the field's type. A whole number may stand for a number, a string for a path, no more."""
    kind = _kinds()[name]
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"{source}: {name} is {value!r}", hint=f"{guess}valid are {', '.join(choices)}")
        return value
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    if kind is str and isinstance(value, Path):
        return str(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ConfigError(f"{source}: {name} is {value!r}", hint=f"{name} must be {_EXPECTED[kind]}")
    return value


def _parsed(kind: Any, text: str) -> object:
    """A variable's text read as ``kind``, or the text itself where it cannot be: ``_value`` then says what is wrong."""
    if kind is bool:
        return _BOOLEANS.get(text.lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text


def _kinds() -> dict[str, Any]:
    """The type of each setting, without the None that an optional one may be."""
    hints = get_type_hints(Settings)
    return {each.name: next(_members(hints[each.name])) for each in fields(Settings)}


def _members(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Literal or not get_args(hint):
        yield hint
    else:
        yield from (member for member in get_args(hint) if member is not type(None))


def _first(layers: list[dict[str, Any]], name: str) -> Any:
    return next((layer[name] for layer in layers if name in layer), None)
