"""Round trips to Storage and Firestore, counted where they pass the bench's proxy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hpack import Decoder
from hyperframe.frame import ContinuationFrame, Frame, HeadersFrame

from benchmarks.latency_proxy import Watch

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEADER_BYTES = 9
_BUCKET_PATH = re.compile(r"/b/[^/]+/")


@dataclass
class RoundTrip:
    """One request and its answer, by the proxy's clock; `ended_s` grows while it is answered."""

    backend: str
    name: str
    started_s: float
    ended_s: float
    sent_bytes: int


class Recorder:
    """The round trips of all connections, in the order in which they began."""

    def __init__(self) -> None:
        self._trips: list[RoundTrip] = []

    def http(self) -> Watch:
        """Watch one more connection that speaks HTTP/1.1 to Storage."""
        return _HttpWatch(self._trips)

    def grpc(self) -> Watch:
        """Watch one more connection that speaks gRPC to Firestore."""
        return _GrpcWatch(self._trips)

    def taken(self) -> list[RoundTrip]:
        """Return what has been seen, and begin anew."""
        trips, self._trips[:] = list(self._trips), []
        return trips


class _HttpWatch:
    """One HTTP/1.1 connection: nothing is asked before the last answer has come."""

    def __init__(self, trips: list[RoundTrip]) -> None:
        self._trips = trips
        self._current: RoundTrip | None = None
        self._is_answered = False

    def sent(self, chunk: bytes, at_s: float) -> None:
        if self._current is None or self._is_answered:
            # All of its head is in the first chunk: it is much shorter than one.
            method, target, _ = chunk.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            name = f"{method} {_BUCKET_PATH.sub('/b/*/', target)}"
            self._current = RoundTrip("Storage", name, at_s, at_s, 0)
            self._is_answered = False
            self._trips.append(self._current)
        self._current.sent_bytes += len(chunk)

    def answered(self, _chunk: bytes, at_s: float) -> None:
        if self._current is not None:
            self._current.ended_s, self._is_answered = at_s, True


class _GrpcWatch:
    """One HTTP/2 connection: a round trip is a stream, from its headers to the server's end."""

    def __init__(self, trips: list[RoundTrip]) -> None:
        self._trips = trips
        self._streams: dict[int, RoundTrip] = {}
        self._headers = Decoder()
        self._block = bytearray()
        self._from_client, self._from_server = _Frames(_HTTP2_PREFACE), _Frames(b"")

    def sent(self, chunk: bytes, at_s: float) -> None:
        for frame, size_bytes in self._from_client.fed(chunk):
            if isinstance(frame, HeadersFrame | ContinuationFrame):
                self._block += frame.data
                if "END_HEADERS" in frame.flags:
                    self._begin(frame.stream_id, at_s)
            if frame.stream_id in self._streams:
                self._streams[frame.stream_id].sent_bytes += size_bytes

    def _begin(self, stream_id: int, at_s: float) -> None:
        fields = {
            _text(name): _text(value) for name, value in self._headers.decode(bytes(self._block))
        }
        self._block.clear()
        name = fields[":path"].rpartition("/")[2]
        self._streams[stream_id] = RoundTrip("Firestore", name, at_s, at_s, 0)
        self._trips.append(self._streams[stream_id])

    def answered(self, chunk: bytes, at_s: float) -> None:
        for frame, _ in self._from_server.fed(chunk):
            if frame.stream_id in self._streams:
                self._streams[frame.stream_id].ended_s = at_s
            if "END_STREAM" in frame.flags:
                self._streams.pop(frame.stream_id, None)


class _Frames:
    """Cuts the bytes of one direction into HTTP/2 frames."""

    def __init__(self, preface: bytes) -> None:
        self._left, self._preface_bytes = bytearray(), len(preface)

    def fed(self, chunk: bytes) -> list[tuple[Frame, int]]:
        """Return the frames that are complete now, each with its length."""
        self._left += chunk
        if len(self._left) < self._preface_bytes:
            return []
        del self._left[: self._preface_bytes]
        self._preface_bytes = 0
        frames = []
        while len(self._left) >= _FRAME_HEADER_BYTES:
            frame, length = Frame.parse_frame_header(memoryview(bytes(self._left[:9])))
            end = _FRAME_HEADER_BYTES + length
            if len(self._left) < end:
                break
            frame.parse_body(memoryview(bytes(self._left[_FRAME_HEADER_BYTES:end])))
            del self._left[:end]
            frames.append((frame, end))
        return frames


def steps(trips: Sequence[RoundTrip]) -> list[int]:
    """Number the round trips by step, from 1: those of one step overlap.

    A round trip is one step after the last one that had ended when it began, so the highest
    number is how many there are one after another.
    """
    numbers: list[int] = []
    for trip in trips:
        before = [
            number
            for number, earlier in zip(numbers, trips, strict=False)
            if earlier.ended_s <= trip.started_s
        ]
        numbers.append(max(before, default=0) + 1)
    return numbers


def lines(trips: Sequence[RoundTrip]) -> list[str]:
    """The round trips for people: those of one step were under way at the same time."""
    return [
        f"step {step}  {trip.backend:<9}  {trip.name}, {trip.sent_bytes / 1000:.1f} kB sent"
        for step, trip in zip(steps(trips), trips, strict=True)
    ]


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
