"""Profiles: versioned prompt wording, loaded from TOML and rendered to conversations."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from ranit_rag.errors import ProfileError
from ranit_rag.prompts.answers import write_object_answer
from ranit_rag.prompts.conversation import AnswerForm, Conversation, Message, Query
from ranit_rag.types import EntityType, Example

ProfileLanguage = Literal["en", "zh", "any"]
ExampleOrder = Literal["nearest_first", "nearest_last"]

_FOLDER = Path(__file__).parent / "profiles"
_START = f"start from a copy of a profile in {_FOLDER}"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

# Part of a model's name, and the profile it was trained with; the first that fits counts.
_KNOWN_MODELS = (("ra-it-ner-zh", "ra-it-zh.v1"), ("ra-it-ner", "ra-it-en.v1"), ("uniner", "uniner.v1"))


@dataclass(frozen=True, slots=True)
class Profile:
    """The wording of every turn. Templates hold placeholders in braces; an empty ``system`` means no system turn.

    ``example_intro`` holds ``{items}``, ``example_item`` ``{text}`` and ``{entities}``, ``text_turn`` ``{text}``.
    ``query_turn`` holds ``{type}``, or ``{types}`` where the answer is an object (then ``{empty_answer}`` is at hand
    too). A type is written as ``plain_type``, or as ``defined_type`` where it has a definition.
    Raises ProfileError where a placeholder is missing or a choice is unknown.
    """

    name: str
    language: ProfileLanguage
    answer: AnswerForm
    example_order: ExampleOrder
    system: str
    example_intro: str
    example_item: str
    example_join: str
    example_reply: str
    text_turn: str
    text_reply: str
    query_turn: str
    plain_type: str
    defined_type: str

    def __post_init__(self) -> None:
        choices = {
            "language": get_args(ProfileLanguage),
            "answer": get_args(AnswerForm),
            "example_order": get_args(ExampleOrder),
        }
        for field, valid in choices.items():
            if (value := getattr(self, field)) not in valid:
                raise ProfileError(
                    f"profile {self.name!r}: {field} is {value!r}", hint=f"{field} is one of {', '.join(valid)}"
                )
        needed = {
            "example_intro": {"items"},
            "example_item": {"text", "entities"},
            "text_turn": {"text"},
            "query_turn": {"type"} if self.answer == "list" else {"types"},
            "plain_type": {"name"},
            "defined_type": {"name", "definition"},
        }
        for field, placeholders in needed.items():
            for placeholder in placeholders - set(_PLACEHOLDER.findall(getattr(self, field))):
                raise ProfileError(
                    f"profile {self.name!r}: {field} lacks its placeholder",
                    hint=f"write {{{placeholder}}} where it belongs",
                )
        for field in ("example_reply", "text_reply"):
            if not getattr(self, field):
                raise ProfileError(f"profile {self.name!r}: {field} is empty", hint="user and assistant take turns")

    @property
    def hash(self) -> str:
        """12 hex digits over everything that reaches the model; name and language do not."""
        wording = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("name", "language")}
        return hashlib.sha256(json.dumps(wording, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def pin(self) -> str:
        """``name@hash``: what a checkpoint records of the profile it was trained with."""
        return f"{self.name}@{self.hash}"

    def conversation(
        self, text: str, types: Sequence[EntityType], examples: Sequence[Example] = (), *, source: str | None = None
    ) -> Conversation:
        """The conversation that asks for ``types`` in ``text``.

        ``examples`` come best first. Where ``source`` is given, engines hold answers to its substrings.
        """
        prefix = [Message("system", self.system)] if self.system else []
        if examples:
            shown = examples if self.example_order == "nearest_first" else reversed(examples)
            items = self.example_join.join(self._item(example) for example in shown)
            prefix.append(Message("user", _fill(self.example_intro, items=items)))
            prefix.append(Message("assistant", self.example_reply))
        prefix.append(Message("user", _fill(self.text_turn, text=text)))
        prefix.append(Message("assistant", self.text_reply))
        return Conversation(tuple(prefix), self._queries(types), self.answer, source)

    def _item(self, example: Example) -> str:
        # A mention is shown once, however often it occurs: the models were trained on sets of mentions. What the data
        # itself lists twice at one place stays twice, so that the authors' conversations come out unchanged.
        first: dict[tuple[str, str], int] = {}
        shown = [e for e in example.entities if first.setdefault((e.text, e.label), e.start) == e.start]
        if self.answer == "list":
            entities = repr([{entity.text: entity.label} for entity in shown])
        else:
            mentions = {label: [entity.text for entity in shown if entity.label == label] for label in example.labels}
            entities = write_object_answer(mentions)
        return _fill(self.example_item, text=example.text, entities=entities)

    def _queries(self, types: Sequence[EntityType]) -> tuple[Query, ...]:
        names = tuple(entity_type.name for entity_type in types)
        written = [self._type(entity_type) for entity_type in types]
        if self.answer == "list":
            pairs = zip(names, written, strict=True)
            return tuple(Query(_fill(self.query_turn, type=wording), (name,)) for name, wording in pairs)
        empty = write_object_answer({name: [] for name in names})
        return (Query(_fill(self.query_turn, types="\n".join(written), empty_answer=empty), names),)

    def _type(self, entity_type: EntityType) -> str:
        template = self.defined_type if entity_type.definition else self.plain_type
        return _fill(template, name=entity_type.name, definition=entity_type.definition)


def _fill(template: str, **values: str) -> str:
    """Put the values into the template in one pass: braces in a value are content, never placeholders."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


@cache
def profile_names() -> tuple[str, ...]:
    """The names of the bundled profiles, sorted."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.glob("*.toml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """A bundled profile by its name, or one from a ``.toml`` file. Raises ProfileError where there is none."""
    if str(name_or_path).endswith(".toml"):
        return _read(Path(name_or_path))
    names = profile_names()
    if name_or_path in names:
        return _bundled(str(name_or_path))
    import difflib

    near = difflib.get_close_matches(str(name_or_path), names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ProfileError(
        f"there is no profile {str(name_or_path)!r}",
        hint=f"{meant}profiles are {', '.join(names)}, or the path of a .toml file",
    )


@cache
def _bundled(name: str) -> Profile:
    return _read(_FOLDER / f"{name}.toml")


def _read(path: Path) -> Profile:
    import tomllib

    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ProfileError(f"cannot read the profile {path}: {error.strerror}", hint="check the path") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ProfileError(f"the profile {path} is not TOML: {error}", hint=_START) from error
    expected = {field.name for field in fields(Profile)}
    if wrong := sorted(expected ^ table.keys()):
        states = [f"{key} is {'missing' if key in expected else 'unknown'}" for key in wrong]
        raise ProfileError(f"the profile {path}: {', '.join(states)}", hint=_START)
    if wrong := sorted(key for key, value in table.items() if not isinstance(value, str)):
        raise ProfileError(f"the profile {path}: {', '.join(wrong)} must be text", hint="write the value in quotes")
    return Profile(**table)


def choose_profile(*, language: str, model: str, checkpoint: Mapping[str, str], given: str | None) -> Profile:
    """The profile to ask ``model`` with: the given one, else what its checkpoint or its name says, else ``json.v1``.

    ``checkpoint`` maps a language to the profile that the checkpoint was trained with, as a name or ``name@hash``.
    Raises ProfileError where that differs from the given profile, or from the wording that is installed here.
    """
    pin = checkpoint.get(language)
    if given is not None:
        profile = load_profile(given)
        if pin and not _fits(profile, pin):
            raise ProfileError(
                f"{model!r} was trained with the profile {pin} for language {language!r}, not with {profile.pin}",
                hint=f"give {pin.partition('@')[0]!r}, or no profile",
            )
        return profile
    if pin is None and checkpoint:
        pin = next(iter(checkpoint.values()))  # a language it was not trained for is asked in the wording it knows
    if pin:
        profile = load_profile(pin.partition("@")[0])
        if not _fits(profile, pin):
            raise ProfileError(
                f"{model!r} was trained with the profile {pin}, but here it is {profile.pin}",
                hint="use the release of ranit-rag that made the checkpoint, or give the profile it was trained with",
            )
        return profile
    last_part = re.split(r"[/\\]", model.rstrip("/\\"))[-1].casefold()
    known = (profile for fragment, profile in _KNOWN_MODELS if fragment in last_part)
    return load_profile(next(known, "json.v1"))


def _fits(profile: Profile, pin: str) -> bool:
    name, _, digest = pin.partition("@")
    return profile.name == name and digest in ("", profile.hash)
