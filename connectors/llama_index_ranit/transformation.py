"""What the transformations of an ingestion pipeline share: the types, the pipeline behind them, and the extraction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from llama_index.core.utils import get_tqdm_iterable

from ranit_rag import Extraction, Failure, Ranit
from ranit_rag.errors import InputError

_ANSWERS_DEPEND_ON = (
    *("adapter", "profile", "language", "grammar", "max_output_tokens", "strategy", "k", "domain"),
    *("overlaps", "min_score", "precedents"),
)


class NerTransformation(TransformComponent):
    """Extracts from the texts of nodes, in batches; offsets count from the start of a node's own text.

    A pipeline's cache knows it by its settings, its model's name and how examples are chosen. It does not see the
    stores: empty the cache (``cache.clear()``) where the examples in them changed.
    """

    types: list[str] | dict[str, str] | None = Field(default=None, description="Names, or names with definitions.")
    _ner: Ranit = PrivateAttr()
    _given: bool = PrivateAttr()

    def __init__(
        self, types: list[str] | dict[str, str] | None = None, *, ner: Ranit | None = None, **options: Any
    ) -> None:
        super().__init__(**options | {"types": types})
        self._given = ner is not None
        self._ner = ner if ner is not None else Ranit()

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """The settings and, for the cache's sake, those of the Ranit that answers depend on."""
        info, settings = self._ner.engine.info, self._ner.settings
        behind = {name: getattr(settings, name) for name in _ANSWERS_DEPEND_ON}
        judge = getattr(self._ner.retriever, "judge", None)
        return super().to_dict(**kwargs) | {
            "answered_by": {"model": f"{info.name}:{info.model}", "judge": judge, **behind}
        }

    def __getstate__(self) -> dict[str, Any]:
        """For the processes of ``pipeline.run(num_workers=…)``: each makes a ``Ranit()`` of its own."""
        if self._given:
            raise InputError(
                f"a {self.class_name()} with a Ranit of your own cannot go to another process",
                hint="leave out ner and describe it in ranit.toml or RANIT_* variables, or await pipeline.arun(…)",
            )
        return {"__dict__": dict(self.__dict__)}

    async def _extractions(
        self, nodes: Sequence[BaseNode], *, show_progress: bool = False
    ) -> list[Extraction | Failure | None]:
        """What is in each node, in their order; None for one without text."""
        texts = [node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes]
        results: list[Extraction | Failure | None] = [None] * len(texts)
        asked = [place for place, text in enumerate(texts) if text.strip()]
        places = iter(get_tqdm_iterable(asked, show_progress, "Extracting entities"))
        async for result in self._ner.aextract_many([texts[place] for place in asked], self.types):
            results[next(places)] = result
        next(places, None)  # completes the bar
        return results
