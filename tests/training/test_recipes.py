"""The files that ship with the package: what a user copies must be what the commands take."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import pytest
from accelerate.commands.config.config_args import load_config_from_file

import ranit_training
from ranit_rag.errors import InputError
from ranit_training.cli_data import augment, data
from ranit_training.cli_train import merge, train
from ranit_training.nano import config as nano
from ranit_training.run_file import SECTIONS, read_section
from ranit_training.sft import SftConfig

FOLDER = Path(ranit_training.__file__).parent / "recipes"


def flags(command: click.Command) -> dict[str, click.Option]:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return {name.lstrip("-"): option for option in options for name in option.opts}


def test_the_flags_of_train_are_the_fields_of_its_configuration() -> None:
    named = {option.name for option in flags(train).values()}
    assert named - {"dry_run", "config", "debug"} == set(SftConfig.__slots__)


def test_the_default_recipe_is_the_papers() -> None:
    section = read_section(FOLDER / "lora.yaml", "train")
    assert (section["lora-rank"], section["lora-alpha"], section["learning-rate"]) == (8, 16, 5e-5)
    for key, value in section.items():
        assert flags(train)[key].default == value, key


@pytest.mark.parametrize(("file", "command"), [("lora.yaml", augment), ("lora.yaml", train), ("full.yaml", train)])
def test_every_key_of_a_recipe_is_a_flag(file: str, command: click.Command) -> None:
    assert read_section(FOLDER / file, command.name or "").keys() <= flags(command).keys()


def test_a_section_is_a_command() -> None:
    assert set(SECTIONS) == {*data.commands, train.name, merge.name}


def test_a_run_file_may_leave_out_sections_but_not_misspell_them(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        assert read_section(path, "benchmark") == {}
    file = tmp_path / "run.yaml"
    file.write_text("trian:\n  steps: 5\nmerge:\n")
    with pytest.raises(InputError, match="a section 'trian'") as error:
        read_section(file, "train")
    assert "did you mean 'train'" in error.value.hint
    file.write_text("merge:\ntrain: 5\n")
    assert read_section(file, "merge") == {}
    with pytest.raises(InputError, match="train holds no keys"):
        read_section(file, "train")


@pytest.mark.parametrize("path", sorted((FOLDER / "accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_takes_the_launch_configurations(path: Path) -> None:
    config = load_config_from_file(str(path))
    assert config.num_processes >= 2
    assert str(config.distributed_type).rpartition(".")[2] in {"MULTI_GPU", "MULTI_CPU", "FSDP", "DEEPSPEED"}


def test_the_base_of_the_embedded_model_never_reads_evaluation_sets() -> None:
    path = Path(ranit_training.__file__).parent / "nano" / "nano.yaml"
    assert {"crossner_ai", "mit_movie", "boson_zh", "cluener2020", "cmeee"} <= set(
        nano.read_section(path, "corpus", nano.CorpusConfig).held_out
    )


def test_a_later_stage_changes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    recipe = Path(ranit_training.__file__).parent / "nano" / "nano.yaml"
    first = nano.read_section(recipe, "episodes", nano.EpisodeConfig)
    further = nano.read_section(recipe, "episodes", nano.EpisodeConfig, "further")
    changed = {field.name for field in fields(first) if getattr(first, field.name) != getattr(further, field.name)}
    assert changed == {"renamed", "estranged", "unheard", "wide"}
    assert nano.read_section(recipe, "mixture", nano.MixtureConfig, "further") == nano.read_section(
        recipe, "mixture", nano.MixtureConfig
    )
    train = nano.read_section(recipe, "train", nano.TrainConfig, "further")
    assert (train.seed, train.rate.peak, train.rows) == (1, 0.002, 48)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("episodes: {wide: 0}\nfurther: {episodes: {wade: 1.0}}\nlast: {episode: {wide: 1.0}}\n", "utf-8")
    for stage, message in (("further", "unknown wade"), ("last", "last: unknown episode"), ("none", "no stage 'none'")):
        with pytest.raises(InputError, match=message):
            nano.read_section(wrong, "episodes", nano.EpisodeConfig, stage)
    with pytest.raises(InputError, match="no section 'tune'"):
        nano.read_section(wrong, "tune", nano.TuneConfig, "further")
