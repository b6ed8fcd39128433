"""What a server takes on, and when it refuses."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ranit_rag.errors import ConfigError

MIB = 1024 * 1024

# Of one request; more is 422. They stand in the OpenAPI document, so they are the same for every server.
TEXTS = 128
CHARACTERS = 1_000_000  # of a text
EXPLAINED_CHARACTERS = 20_000  # of a text that is explained: an explanation repeats the prompt for every type
TYPES = 256
TYPE_CHARACTERS = 2_000  # of a type's name or definition
EXAMPLES = 1_000
ENTITIES = 10_000  # of an example
STORE_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on bodies and on the work in hand. Raises ConfigError where one is not above 0."""

    body_bytes: int = 8 * MIB
    """The longest body of a request; more is 413."""
    import_bytes: int = 32 * MIB
    """The longest file to import."""
    queue: int = 256
    """The texts in hand, waiting or being answered, from which on more are refused with 429."""
    batch: int = 32
    """The most windows of texts that the engine is asked about at once."""
    batch_wait: float = 0.005
    """Seconds that an idle engine waits for more requests to answer together with the first."""
    deadline: float = 60.0
    """Seconds after which a request is given up with 504, and before that one whose body has not arrived with 408."""
    grace: float = 30.0
    """Seconds that requests in hand have to end in when the server is stopped."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not (value > 0 or (value == 0 and each.name == "batch_wait")):
                raise ConfigError(f"the limit {each.name} is {value}", hint=f"{each.name} must be greater than 0")
