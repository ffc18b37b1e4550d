"""A gRPC proxy in front of the Firestore emulator that counts the documents it hands out.

Firestore bills a read for each document that a query or a look-up answers with, found or not.
"""

from concurrent.futures import ThreadPoolExecutor

import grpc
from google.cloud.firestore_v1.types import BatchGetDocumentsResponse, RunQueryResponse

HOST = "127.0.0.1"


class CountingProxy(grpc.GenericRpcHandler):
    """Counts in `reads`, by collection (`users` for users' own documents), and in `counts`."""

    def __init__(self, upstream):
        self.reads, self.counts = {}, 0
        self._channel = grpc.insecure_channel(upstream)
        self._server = grpc.server(ThreadPoolExecutor(), handlers=[self])
        self.address = f"{HOST}:{self._server.add_insecure_port(f'{HOST}:0')}"
        self._server.start()

    def close(self):
        self._server.stop(grace=None).wait()
        self._channel.close()

    def reset(self):
        self.reads, self.counts = {}, 0

    def service(self, handler_call_details):
        method = handler_call_details.method
        name = method.rsplit("/", 1)[-1]
        # Without serialisers gRPC hands over the bytes as they are.
        forward = self._channel.unary_stream(method)
        kept = ("google-cloud-resource-prefix", "x-goog-request-params", "authorization")

        def answer(request, context):
            metadata = [pair for pair in context.invocation_metadata() if pair[0] in kept]
            for response in forward(request, metadata=metadata):
                self._count(name, response)
                yield response

        return grpc.unary_stream_rpc_method_handler(answer)

    def _count(self, name, response):
        if name == "RunQuery":
            self._read(RunQueryResponse.deserialize(response).document.name)
        elif name == "BatchGetDocuments":
            answer = BatchGetDocumentsResponse.deserialize(response)
            self._read(answer.found.name or answer.missing)
        else:
            assert name == "RunAggregationQuery", f"{name} is not counted"
            self.counts += 1

    def _read(self, document):
        if document:
            collection = document.split("/")[-2]
            self.reads[collection] = self.reads.get(collection, 0) + 1
