"""Settings: a wrong or misspelt setting must be told before a model is loaded, never ignored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ranit_rag.config import Settings
from ranit_rag.errors import ConfigError


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory and home, and no setting in the environment."""
    for variable in [*os.environ]:
        if variable.startswith("RANIT_") or variable == "OPENAI_API_KEY":
            monkeypatch.delenv(variable)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("RANIT_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


def test_defaults_need_nothing() -> None:
    settings = Settings.load()
    assert (settings.engine, settings.model, settings.grammar) == ("transformers", None, True)


def test_home_defaults_to_the_user_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANIT_HOME")
    assert Settings.load().home.name == "ranit"
    assert Settings.load().home.is_absolute()


def test_each_layer_yields_to_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "ranit.toml").write_text('model = "user"\ndevice = "user"\ndtype = "user"\nprofile = "user"\n')
    Path("ranit.toml").write_text('model = "project"\ndevice = "project"\ndtype = "project"\n')
    monkeypatch.setenv("RANIT_MODEL", "variable")
    monkeypatch.setenv("RANIT_DEVICE", "variable")
    settings = Settings.load(model="argument", device=None)
    assert (settings.model, settings.device, settings.dtype, settings.profile) == (
        "argument",
        "variable",
        "project",
        "user",
    )


def test_the_config_variable_stands_in_for_the_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ranit.toml").write_text('model = "project"')
    (tmp_path / "other.toml").write_text('engine = "openai"')
    monkeypatch.setenv("RANIT_CONFIG", str(tmp_path / "other.toml"))
    assert (Settings.load().engine, Settings.load().model) == ("openai", None)
    assert Settings.load(Path("ranit.toml")).model == "project"


def test_the_home_folder_may_be_named_in_the_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANIT_HOME")
    Path("ranit.toml").write_text(f'home = "{(tmp_path / "home").as_posix()}"')
    (tmp_path / "home" / "ranit.toml").write_text("concurrency = 3")
    settings = Settings.load()
    assert (settings.home, settings.concurrency) == (tmp_path / "home", 3)


def test_home_in_the_home_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home" / "ranit.toml").write_text('home = "elsewhere"')
    with pytest.raises(ConfigError, match="home cannot be set") as caught:
        Settings.load()
    assert "RANIT_HOME" in caught.value.hint


def test_a_misspelt_key_names_the_file_and_the_near_match() -> None:
    Path("ranit.toml").write_text('modle = "m"')
    with pytest.raises(ConfigError, match=r"ranit\.toml: there is no setting 'modle'") as caught:
        Settings.load()
    assert "'model'" in caught.value.hint
    assert "base_url" in caught.value.hint


def test_a_misspelt_variable_is_an_error_and_a_foreign_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANIT_SHARED_DATA", "/data")
    Settings.load()
    monkeypatch.setenv("RANIT_BASEURL", "http://localhost")
    with pytest.raises(ConfigError, match="RANIT_BASEURL") as caught:
        Settings.load()
    assert "'RANIT_BASE_URL'" in caught.value.hint


def test_an_unknown_argument_is_an_error() -> None:
    with pytest.raises(ConfigError, match="modell"):
        Settings.load(modell="m")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('grammar = "yes"', "true or false"),
        ("grammar = 1", "true or false"),
        ("model = 3", "a string"),
        ("concurrency = 2.5", "a whole number"),
        ("concurrency = true", "a whole number"),
        ('timeout = "long"', "a number"),
        ("timeout = false", "a number"),
        ("[model]\nname = 3", "a string"),
    ],
)
def test_a_value_of_the_wrong_kind_says_what_is_wanted(line: str, expected: str) -> None:
    Path("ranit.toml").write_text(line)
    with pytest.raises(ConfigError, match=r"^ranit\.toml: ") as caught:
        Settings.load()
    assert expected in caught.value.hint


def test_an_unknown_engine_names_the_engines() -> None:
    with pytest.raises(ConfigError, match="engine is 'transformer'") as caught:
        Settings.load(engine="transformer")
    assert "did you mean 'transformers'?" in caught.value.hint
    assert "vllm" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "value"), [("0", False), ("off", False), ("False", False), ("1", True), ("yes", True), ("TRUE", True)]
)
def test_a_switch_in_a_variable(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("RANIT_GRAMMAR", text)
    assert Settings.load().grammar is value


def test_numbers_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANIT_TIMEOUT", "5")
    monkeypatch.setenv("RANIT_CONCURRENCY", " 2 ")
    assert (Settings.load().timeout, Settings.load().concurrency) == (5.0, 2)
    monkeypatch.setenv("RANIT_CONCURRENCY", "two")
    with pytest.raises(ConfigError, match="RANIT_CONCURRENCY: concurrency is 'two'"):
        Settings.load()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANIT_MODEL", "")
    assert Settings.load().model is None


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_positive(value: float) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        Settings.load(timeout=value)


def test_a_file_that_is_not_toml() -> None:
    Path("ranit.toml").write_text("engine: openai")
    with pytest.raises(ConfigError, match="not a TOML file"):
        Settings.load()
    Path("ranit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not a TOML file"):
        Settings.load()


def test_a_config_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANIT_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        Settings.load()


def test_the_key_is_found_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-general")
    assert Settings.load().api_key == "sk-general"
    monkeypatch.setenv("RANIT_API_KEY", "sk-own")
    settings = Settings.load()
    assert settings.api_key == "sk-own"
    assert "sk-" not in repr(settings)
