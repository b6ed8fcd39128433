"""Engines: what turns conversations into answers."""

from __future__ import annotations

from ranit_rag.config import Settings
from ranit_rag.engines.base import Answer, Engine, EngineInfo, Reply, Token
from ranit_rag.errors import ConfigError

__all__ = ["Answer", "Engine", "EngineInfo", "Reply", "Token", "open_engine"]


def open_engine(settings: Settings) -> Engine:
    """The engine that the settings name. Raises ConfigError where it lacks what it needs, EngineError if it fails."""
    if settings.engine == "openai":
        return _openai(settings)
    if settings.base_url is not None:
        raise ConfigError(
            f"base_url is set to {settings.base_url!r}, but the engine is {settings.engine}",
            hint='add --engine openai (engine = "openai"), or remove the base_url',
        )
    if settings.engine == "vllm":
        from ranit_rag.engines.vllm import VLLMEngine

        return VLLMEngine(settings.model, adapter=settings.adapter, dtype=settings.dtype or "auto")
    from ranit_rag.engines.transformers import TransformersEngine

    return TransformersEngine(
        settings.model,
        adapter=settings.adapter,
        device=settings.device or "auto",
        dtype=settings.dtype or "auto",
        batch_tokens=settings.batch_tokens,
    )


def _openai(settings: Settings) -> Engine:
    if settings.model is None:
        raise ConfigError(
            "the openai engine needs the name of a model",
            hint="give --model, the name under which the server serves it",
        )
    from ranit_rag.engines.openai import OpenAIEngine

    return OpenAIEngine(
        settings.model,
        base_url=settings.base_url,
        api_key=settings.api_key,
        tokenizer=settings.tokenizer,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
    )
