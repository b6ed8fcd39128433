"""What Prometheus is told. Labels are few and fixed: no texts, no names of stores or of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ranit_rag.results import Extraction

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counts of one app."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._in_hand = 0
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "ranit_requests",
            "Requests by address, method and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._latency = Histogram(
            "ranit_request_seconds", "Seconds from request to answer.", ("route",), buckets=_SECONDS, registry=registry
        )
        self._refused = Counter("ranit_refused", "Requests that were refused.", ("reason",), registry=registry)
        self._batch_size = Histogram(
            "ranit_batch_windows", "Windows in a batch of the engine.", buckets=_SIZES, registry=registry
        )
        self._batch_seconds = Histogram(
            "ranit_batch_seconds", "Seconds that the engine takes for a batch.", buckets=_SECONDS, registry=registry
        )
        self._tokens = Counter("ranit_tokens", "Tokens by kind: prompt, cached, output.", ("kind",), registry=registry)
        self._texts = Counter("ranit_texts", "Texts by outcome: extracted, failed.", ("outcome",), registry=registry)
        self._entities = Counter("ranit_entities", "Entities found.", registry=registry)
        self._decisions = Counter("ranit_decisions", "Windows by the judge's route.", ("route",), registry=registry)

    @property
    def in_hand(self) -> int:
        """Requests that have come and are not answered."""
        return self._in_hand

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Around the handling of a request."""
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1

    def gauge(self, name: str, told: str, value: Callable[[], float]) -> None:
        """A value that is asked for when Prometheus comes."""
        Gauge(name, told, registry=self._registry).set_function(value)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        self._requests.labels(route, method, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def batch(self, size: int, seconds: float) -> None:
        self._batch_size.observe(size)
        self._batch_seconds.observe(seconds)

    def extracted(self, extraction: Extraction) -> None:
        usage = extraction.usage
        self._tokens.labels("prompt").inc(usage.prompt_tokens)
        self._tokens.labels("cached").inc(usage.cached_tokens)
        self._tokens.labels("output").inc(usage.output_tokens)
        self._texts.labels("extracted").inc()
        self._entities.inc(len(extraction.entities))
        for decision in extraction.decisions:
            self._decisions.labels(decision.route).inc()

    def failed(self) -> None:
        self._texts.labels("failed").inc()

    def told(self) -> bytes:
        """All of it in Prometheus' text form."""
        return generate_latest(self._registry)
