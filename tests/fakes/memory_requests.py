"""Keys of requests in memory: trusted because they pass the same contract suite as Firestore's."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from voxshelf.core.keyed import Asked, KeptAnswer, KeyedRequest, decide_keyed
from voxshelf.use_cases.request_ports import Begun


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryRequests:
    """Plays `Requests`; `now` is its database's clock. `failing` is raised by the next calls."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self.now = now
        self.records: dict[tuple[str, str], KeyedRequest] = {}
        self.failing: dict[str, Exception] = {}
        self._lock = threading.Lock()

    def begin(self, uid: str, record_id: str, asked: Asked) -> Begun | KeptAnswer:
        with self._lock:
            self._meet("begin")
            answer = decide_keyed(self.records.get((uid, record_id)), asked, self.now())
            if answer is not None:
                return answer
            self.records[uid, record_id] = KeyedRequest.begun(asked, self.now())
            return Begun(uid, record_id, asked.by)

    def keep(self, begun: Begun, answer: KeptAnswer) -> None:
        with self._lock:
            self._meet("keep")
            record = self.records.get((begun.uid, begun.record_id))
            if record is not None and record.by == begun.by:
                kept = replace(record, answer=answer)
                self.records[begun.uid, begun.record_id] = kept

    def free(self, begun: Begun) -> None:
        with self._lock:
            self._meet("free")
            record = self.records.get((begun.uid, begun.record_id))
            if record is not None and record.by == begun.by:
                del self.records[begun.uid, begun.record_id]

    def _meet(self, method: str) -> None:
        if method in self.failing:
            raise self.failing[method]
