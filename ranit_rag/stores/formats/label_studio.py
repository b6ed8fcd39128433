"""Label Studio's JSON export (full, or JSON-MIN), and tasks with annotations to import there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError
from ranit_rag.stores.formats.reading import Defaults, Located, build_example, json_array
from ranit_rag.types import Example


def read_label_studio(path: Path, defaults: Defaults) -> Iterator[Located]:
    """One example from each annotated task: its ground truth, or its first annotation that was not cancelled.

    Tasks without an annotation are passed over. Label Studio counts UTF-16 units: a text with emoji before a mention is
    reported, because its offsets do not fit.
    """
    for number, task in enumerate(json_array(path), start=1):
        try:
            example = _example(task, defaults)
        except DataError as error:
            yield number, error
        else:
            if example is not None:
                yield number, example


def _example(task: object, defaults: Defaults) -> Example | None:
    if not isinstance(task, Mapping):
        raise DataError(f"a task must be an object, not {task!r}")
    if isinstance(task.get("data"), Mapping):
        regions = _regions(task)
        if regions is None:
            return None
        key = next((str(region["to_name"]) for region in regions if region.get("to_name") in task["data"]), "text")
        return _build(task["data"].get(key), [_value(region) for region in regions], task, defaults)
    minimal = task.get("label", [])
    if not isinstance(minimal, list) or "text" not in task:
        raise DataError("the task has no data", hint="export from Label Studio as JSON or JSON-MIN")
    return _build(task["text"], minimal, task, defaults)


def _regions(task: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The labelled regions of the annotation that counts; None where there is no annotation."""
    annotations = [a for a in task.get("annotations") or [] if isinstance(a, Mapping) and not a.get("was_cancelled")]
    if not annotations:
        return None
    chosen = next((a for a in annotations if a.get("ground_truth")), annotations[0])
    return [r for r in chosen.get("result") or [] if isinstance(r, Mapping) and r.get("type", "labels") == "labels"]


def _value(region: Mapping[str, Any]) -> Mapping[str, Any]:
    value = region.get("value")
    if not isinstance(value, Mapping):
        raise DataError(f"the region {region.get('id')!r} has no value")
    return value


def _build(text: object, values: Iterable[Mapping[str, Any]], task: Mapping[str, Any], defaults: Defaults) -> Example:
    if not isinstance(text, str):
        raise DataError("the task's data has no text", hint="the text stands under the name of the <Text> tag's value")
    entities = []
    for value in values:
        labels = value.get("labels")
        if not labels:
            raise DataError(f"the region at {value.get('start')}:{value.get('end')} has no label")
        for label in labels:
            entity = {"start": value.get("start"), "end": value.get("end"), "label": label}
            entities.append(entity if value.get("text") is None else {**entity, "text": value["text"]})
    return build_example(text, entities, defaults, source=f"label-studio:{task['id']}" if "id" in task else "")


def label_studio_json(examples: Iterable[Example]) -> str:
    """Tasks with annotations, for a labelling configuration with ``<Labels name="label" toName="text">``."""
    return json.dumps([_task(example) for example in examples], ensure_ascii=False, indent=1) + "\n"


def _task(example: Example) -> dict[str, Any]:
    result = [
        {
            "id": f"{number}",
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {"start": e.start, "end": e.end, "text": e.text, "labels": [e.label]},
        }
        for number, e in enumerate(example.entities)
    ]
    data = {"text": example.text, "domain": example.domain, "language": example.language}
    return {"data": data, "annotations": [{"result": result}]}
