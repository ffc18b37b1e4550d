"""What a client hears of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer; status None when there was none."""

    status: int | None
    body: Mapping[str, Any] = field(default_factory=dict)
    replayed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def is_done(self) -> bool:
        """Tell whether it was answered as done."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_heard(self) -> bool:
        """Tell whether it says what has happened: a 503 does not."""
        return self.status is not None and self.status != 503

    @property
    def code(self) -> str:
        """The error's stable code, or what stands for it."""
        return str(self.body.get("code") or self.status)

    def __str__(self) -> str:
        """Return what stands in a report: no text of any length."""
        shown = {
            name: self.body[name]
            for name in ("code", "message", "voice_id", "generation_id", "replayed", "details")
            if name in self.body
        }
        replayed = " (replayed)" if self.replayed else ""
        return f"{self.status}{replayed} {str(shown)[:400]}"


LOST = Answer(None)
