"""Which profile is used: by name, by path, by the checkpoint, by the model's name."""

from __future__ import annotations

from pathlib import Path

import pytest

import ranit_rag.prompts.profile
from ranit_rag.errors import ProfileError
from ranit_rag.prompts import choose_profile, load_profile, profile_names

BUNDLED = Path(ranit_rag.prompts.profile.__file__).parent / "profiles"


def test_every_bundled_profile_loads_under_its_own_name() -> None:
    assert profile_names() == ("json.v1", "nano-en.v1", "nano-zh.v1", "ra-it-en.v1", "ra-it-zh.v1", "uniner.v1")
    for name in profile_names():
        assert load_profile(name).name == name


def test_an_unknown_name_lists_the_valid_ones_and_the_nearest() -> None:
    with pytest.raises(ProfileError, match="'ra-it-en'") as caught:
        load_profile("ra-it-en")
    assert caught.value.hint.startswith("did you mean 'ra-it-en.v1'?")
    assert all(name in caught.value.hint for name in profile_names())


def test_a_profile_of_ones_own_is_read_from_a_path(tmp_path: Path) -> None:
    wording = (BUNDLED / "nano-en.v1.toml").read_text("utf-8").replace("nano-en.v1", "mine.v1")
    path = tmp_path / "mine.toml"
    path.write_text(wording.replace("What describes", "Which words name"), "utf-8")
    profile = load_profile(path)
    assert profile == load_profile(str(path))
    assert profile.name == "mine.v1"
    assert profile.query_turn == "Which words name {type} in the text?"
    assert profile.hash != load_profile("nano-en.v1").hash


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda wording: wording.replace('system = ""', ""), "system is missing"),
        (lambda wording: wording + '\ntemperature = "0"', "temperature is unknown"),
        (lambda wording: wording.replace('system = ""', "system = 3"), "system must be text"),
        (lambda wording: wording.replace("{type}", "it"), "query_turn lacks its placeholder"),
        (lambda wording: wording + "\n[", "is not TOML"),
    ],
)
def test_a_malformed_profile_says_what_is_wrong(tmp_path: Path, edit: object, message: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(edit((BUNDLED / "nano-en.v1.toml").read_text("utf-8")), "utf-8")
    with pytest.raises(ProfileError, match=message) as caught:
        load_profile(path)
    assert caught.value.hint


def test_a_missing_or_binary_file_is_a_profile_error(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.toml: No such file"):
        load_profile(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="is not TOML"):
        load_profile(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("EmmaStrong/RA-IT-NER-8B", "ra-it-en.v1"),
        ("EmmaStrong/RA-IT-NER-zh-7B", "ra-it-zh.v1"),
        ("/models/ra-it-ner-zh-7b-awq/", "ra-it-zh.v1"),
        ("Universal-NER/UniNER-7B-all", "uniner.v1"),
        ("Qwen/Qwen3-8B-Instruct", "json.v1"),
        ("/home/uniner/models/llama", "json.v1"),
        ("", "json.v1"),
    ],
)
def test_a_known_model_is_asked_in_the_wording_it_was_trained_on(model: str, profile: str) -> None:
    assert choose_profile(language="en", model=model, checkpoint={}, given=None).name == profile


def test_a_checkpoint_says_its_profile_for_each_language() -> None:
    checkpoint = {"en": load_profile("nano-en.v1").pin, "zh": "nano-zh.v1"}

    def chosen(language: str, given: str | None = None) -> str:
        return choose_profile(language=language, model="UniNER", checkpoint=checkpoint, given=given).name

    assert chosen("en") == "nano-en.v1"
    assert chosen("zh") == "nano-zh.v1"
    assert chosen("de") == "nano-en.v1"
    assert chosen("en", "nano-en.v1") == "nano-en.v1"
    assert chosen("de", "json.v1") == "json.v1"


def test_another_profile_than_the_checkpoints_is_an_error_that_names_the_right_one() -> None:
    with pytest.raises(
        ProfileError, match=r"'nano' was trained with the profile nano-en\.v1 .* not with json\.v1@"
    ) as caught:
        choose_profile(language="en", model="nano", checkpoint={"en": "nano-en.v1"}, given="json.v1")
    assert "'nano-en.v1'" in caught.value.hint


def test_a_checkpoint_of_other_wording_under_the_same_name_is_an_error() -> None:
    for given in (None, "nano-en.v1"):
        with pytest.raises(ProfileError, match=r"nano-en\.v1@000000000000"):
            choose_profile(language="en", model="nano", checkpoint={"en": "nano-en.v1@000000000000"}, given=given)


def test_the_given_profile_wins_over_the_models_name() -> None:
    assert choose_profile(language="en", model="RA-IT-NER-8B", checkpoint={}, given="json.v1").name == "json.v1"
