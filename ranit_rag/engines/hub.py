"""Models of the Hugging Face hub: whether one can be had, before a framework asks for its files one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ranit_rag.errors import ModelNotFoundError

SECONDS = 10.0


def is_local_only(name: str) -> bool:
    """Whether the files of a model have to be taken from the cache, because the hub cannot be asked.

    Raises ModelNotFoundError where they are not there either, or the hub knows no such model: within seconds, where
    the frameworks would try again for a minute.
    """
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import RepositoryNotFoundError

    cached = isinstance(try_to_load_from_cache(name, "config.json"), str)
    if constants.HF_HUB_OFFLINE and cached:
        return True
    try:
        HfApi().model_info(name, timeout=SECONDS)
    except RepositoryNotFoundError as error:
        raise ModelNotFoundError(
            f"there is no directory {name!r}, and no such model on {constants.ENDPOINT}",
            hint="check the name; for a private model set HF_TOKEN",
        ) from error
    except Exception as error:  # connections, proxies, name servers and the hub itself each fail in their own way
        if cached:
            return True
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelNotFoundError(
            f"{name!r} is no directory here and was never fetched, and {constants.ENDPOINT} cannot be reached: {line}",
            hint="give a directory with a checkpoint, or connect to the network",
        ) from error
    return False


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Keeps the bars of transformers from showing: what lies on the disk is there before one could be read."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
