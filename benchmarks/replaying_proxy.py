"""A gRPC proxy that gives a Firestore emulator's answers again: `-m benchmarks.replaying_proxy`.

The emulator looks at every document of a collection for each query, and takes the longer the more
there are. Firestore reads an index, and takes the longer the more it answers with: so does this.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped] # it ships no types

from benchmarks.servers import printing_addresses
from local.ports import HOST

_ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_PASSED_ON = ("authorization", "google-cloud-resource-prefix", "x-goog-request-params")


class _Replaying(grpc.GenericRpcHandler):  # type: ignore[misc] # it ships no types
    """Serves the reading calls, which answer with streams.

    A first answer is waited for as long as it takes, even when its client gives up.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._answers: dict[tuple[str, bytes], list[bytes]] = {}

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        method = handler_call_details.method
        # Without serialisers gRPC hands over the bytes as they are.
        ask = self._channel.unary_stream(method)

        def answer(request: bytes, context: Any) -> Iterator[bytes]:
            key = method, request
            if key not in self._answers:
                metadata = [(k, v) for k, v in context.invocation_metadata() if k in _PASSED_ON]
                self._answers[key] = list(ask(request, metadata=metadata))
            yield from self._answers[key]

        return grpc.unary_stream_rpc_method_handler(answer)


@contextlib.contextmanager
def replaying(server: str) -> Iterator[str]:
    """Run the proxy before a server (`host:port`) in another process; yields its address."""
    with printing_addresses("benchmarks.replaying_proxy", server) as (address,):
        yield address


def main(arguments: Sequence[str]) -> int:
    """Print the proxy's address, and serve until the end of input."""
    (upstream,) = arguments
    channel = grpc.insecure_channel(upstream, options=_ANY_SIZE)
    server = grpc.server(
        ThreadPoolExecutor(thread_name_prefix="replaying-proxy"),
        handlers=[_Replaying(channel)],
        options=[*_ANY_SIZE, ("grpc.so_reuseport", 0)],
    )
    print(f"{HOST}:{server.add_insecure_port(f'{HOST}:0')}", flush=True)
    server.start()
    sys.stdin.read()
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
