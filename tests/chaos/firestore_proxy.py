"""A faulty gRPC proxy in front of the Firestore emulator.

It passes messages on as bytes, so it knows nothing of Firestore but the names of its methods
and where a user's id stands in a document's name. Its scales know more: they refuse the commits
that are too heavy for Firestore.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from tests.chaos import faults
from tests.chaos.faults import Call, Switchboard
from tests.chaos.scales import Scales

HOST = "127.0.0.1"
# Calls that wait at a gate keep their threads.
_THREADS = 96
_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_USER = re.compile(rb"/documents/users/([A-Za-z0-9]{%d})" % faults.UID_CHARACTERS)
_KINDS = {
    "Commit": faults.COMMIT,
    "BatchWrite": faults.COMMIT,
    "BatchGetDocuments": faults.READ,
    "GetDocument": faults.READ,
    "RunQuery": faults.QUERY,
    "RunAggregationQuery": faults.QUERY,
}
_STREAMS = frozenset({"BatchGetDocuments", "RunQuery", "RunAggregationQuery"})


class FirestoreProxy:
    """Forwards to `upstream` (host:port) whatever the board lets pass; `Listen` is not served."""

    def __init__(self, upstream: str, board: Switchboard) -> None:
        """Listen on a free port."""
        self._channel = grpc.insecure_channel(upstream, options=_ANY_SIZE)
        self.scales = Scales(self._channel)
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="firestore-proxy"),
            handlers=[_Forwarder(self._channel, board, self.scales)],
            options=[*_ANY_SIZE, ("grpc.so_reuseport", 0)],
        )
        self.port: int = self._server.add_insecure_port(f"{HOST}:0")
        self._server.start()

    @property
    def address(self) -> str:
        """Return `host:port`."""
        return f"{HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.stop(grace=None).wait()
        self._channel.close()


class _Forwarder(grpc.GenericRpcHandler):
    def __init__(self, channel: grpc.Channel, board: Switchboard, scales: Scales) -> None:
        self._channel, self._board, self._scales = channel, board, scales

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        name = method.rsplit("/", 1)[-1]

        # Without serialisers gRPC hands over the bytes as they are.
        if name in _STREAMS:
            stream = self._channel.unary_stream(method)

            def forward_stream(request: bytes, context: Any) -> Iterator[bytes]:
                # Whole before the first part is passed on, so that an answer can be withheld.
                yield from self._carry_out(
                    name, request, context, lambda **options: list(stream(request, **options))
                )

            return grpc.unary_stream_rpc_method_handler(forward_stream)
        unary = self._channel.unary_unary(method)

        def forward(request: bytes, context: Any) -> bytes:
            refusal = name == "Commit" and self._scales.refusal(request, _metadata(context))
            if refusal:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal)
            return self._carry_out(
                name, request, context, lambda **options: unary(request, **options)
            )

        return grpc.unary_unary_rpc_method_handler(forward)

    def _carry_out(self, name: str, request: bytes, context: Any, send: Callable[..., Any]) -> Any:
        call = _call(name, request)
        entry, action = self._board.arrive(call)
        try:
            return self._answer(call, action, context, send)
        finally:
            self._board.leave(entry)

    def _answer(
        self, call: Call, action: faults.Action | None, context: Any, send: Callable[..., Any]
    ) -> Any:
        match action:
            case faults.Hold(gate, answered):
                if answered:
                    _forward(context, send)
                gate.wait(call)
                context.abort(grpc.StatusCode.UNAVAILABLE, "injected: dropped at a gate")
            case faults.Fail(code):
                context.abort(code, "injected")
            case faults.LoseAnswer():
                _forward(context, send)
                context.abort(grpc.StatusCode.UNAVAILABLE, "injected: the answer is lost")
            case faults.Slow(seconds):
                time.sleep(seconds)
                # Not with the client's deadline: this call arrives whoever still waits for it.
                return _forward(context, send, timeout_s=30)
        return _forward(context, send)


def _forward(context: Any, send: Callable[..., Any], timeout_s: float | None = None) -> Any:
    try:
        return send(metadata=_metadata(context), timeout=timeout_s or context.time_remaining())
    except grpc.RpcError as error:
        context.set_trailing_metadata(
            [item for item in error.trailing_metadata() or () if not item[0].startswith(":")]
        )
        context.abort(error.code(), error.details())


def _metadata(context: Any) -> list[tuple[str, Any]]:
    return [
        (key, value)
        for key, value in context.invocation_metadata()
        # gRPC writes these itself.
        if not key.startswith(("grpc-", ":")) and key not in ("user-agent", "te", "content-type")
    ]


def _call(name: str, request: bytes) -> Call:
    found = _USER.search(request)
    return Call(_KINDS.get(name, name.lower()), found.group(1).decode() if found else None, name)
