"""LangChain's own standard tests: what its users rely on in any tool, retriever and model."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
)
from langchain_tests.unit_tests import ChatModelUnitTests, ToolsUnitTests

from langchain_ranit import ChatRanit, RanitRetriever, RanitTool
from ranit_rag import Ranit
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine."
QUERY = "the doctor gave aspirin for the fever and a tablet for the cough"


def scripted() -> Ranit:
    return Ranit(ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]}))


class ToolParameters:
    @property
    def tool_constructor(self) -> type[BaseTool]:
        return RanitTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"ner": scripted()}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"text": TEXT, "types": ["drug", "disease"]}


class TestToolUnit(ToolParameters, ToolsUnitTests):
    pass


class TestToolIntegration(ToolParameters, ToolsIntegrationTests):
    pass


class TestJudgedRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _stores(self, medicine: Ranit) -> None:
        self._ner = medicine

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return RanitRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"ner": self._ner}

    @property
    def retriever_query_example(self) -> str:
        return QUERY


class TestUnjudgedRetriever(TestJudgedRetriever):
    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"ner": self._ner, "judged": False}


class ModelParameters:
    @pytest.fixture(autouse=True)
    def _embedded_model(self, nano: TransformersEngine) -> None:
        self._engine = nano

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatRanit

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"engine": self._engine}

    @property
    def supports_model_override(self) -> bool:
        return False  # an engine is one model

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        settings = {"RANIT_ENGINE": "openai", "RANIT_MODEL": "some-model", "RANIT_BASE_URL": "http://127.0.0.1:1/v1"}
        return settings, {"max_tokens": 7}, {"max_tokens": 7}


class TestChatModelUnit(ModelParameters, ChatModelUnitTests):
    pass


class TestChatModelIntegration(ModelParameters, ChatModelIntegrationTests):
    pass
