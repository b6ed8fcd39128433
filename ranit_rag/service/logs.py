"""Logs as JSON lines on standard error: what happened, never the texts."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
# Whose words are known to quote no text.
_OURS = ("ranit_rag.", "uvicorn.")


class JsonLines(logging.Formatter):
    """A record as a line of JSON, with what came along in ``extra``; of an exception, where it came from."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if record.name.startswith(_OURS) else "something of a library's",
            **{key: value for key, value in vars(record).items() if key not in _USUAL},
        }
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = type(record.exc_info[1]).__name__
            fields["at"] = _places(record.exc_info[1])
        return json.dumps(fields, ensure_ascii=False, default=str)


def _places(error: BaseException) -> list[str]:
    """Where an exception came from. What it says may quote a text, so it is left out."""
    places = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        places.append(f"{code.co_filename}:{step.tb_lineno} {code.co_name}")
        step = step.tb_next
    return places[-12:]


def set_up_json_logs() -> None:
    """Send what the server and its libraries log to standard error as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    service = logging.getLogger("ranit_rag.service")
    service.setLevel(logging.INFO)
    logging.getLogger("ranit_rag").handlers = []
