"""The log: one JSON object a line, as Cloud Logging reads it.

No tokens, no e-mail addresses, no text of users and no URL with a token ever get here. A
route is logged as its template, not as the path that was asked for, and JSON escapes what
could break a line.
"""

import json
import sys
import threading
import traceback

# functions-framework, which adds the execution's id, writes a line in many pieces.
_ONE_AT_A_TIME = threading.Lock()


def request(facts: dict[str, object], status: int, duration_s: float) -> None:
    """Log one answered request."""
    severity = "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO"
    _write(
        severity, "request", {**facts, "status": status, "duration_ms": round(duration_s * 1000)}
    )


def event(name: str, facts: dict[str, object]) -> None:
    """Log something that the service did by itself."""
    _write("INFO", name, facts)


def problem(name: str, facts: dict[str, object]) -> None:
    """Log something that the operator has to mend; it holds nothing that a user sent."""
    _write("ERROR", name, facts)


def failure(error: BaseException, request_id: str) -> None:
    """Log where a bug of ours was met.

    Messages of exceptions may quote what a user sent, so only types and places are kept.
    """
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    facts: dict[str, object] = {
        "request_id": request_id,
        "error": type(error).__name__,
        "places": places[-12:],
    }
    _write("ERROR", "unhandled error", facts)


def _write(severity: str, message: str, facts: dict[str, object]) -> None:
    line = json.dumps({"severity": severity, "message": message, **facts})
    with _ONE_AT_A_TIME:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
