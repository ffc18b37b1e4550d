"""More closing clients than an instance waits for: the oldest goes, and nothing else does."""

import logging
import selectors
import socket
from concurrent.futures import Future
from contextlib import ExitStack

from gunicorn.config import Config

from voxshelf.server.connection import PatientConnection
from voxshelf.server.worker import PatientWorker

# As many as `worker._MAX_LINGERING`, and one.
COUNT = 257


def test_a_client_that_sends_in_the_round_in_which_it_is_closed_ends_nothing():
    config = Config()
    config.set("threads", 4)
    worker = PatientWorker(1, 1, [], None, 30, config, logging.getLogger("worker"))
    worker.poller = selectors.DefaultSelector()
    queue = worker.method_queue
    queue.init()
    worker.poller.register(queue.fileno(), selectors.EVENT_READ, queue.run_callbacks)
    with ExitStack() as stack:
        peers = []

        def connection():
            ours, theirs = socket.socketpair()
            peers.append(stack.enter_context(theirs))
            worker.nr_conns += 1
            return PatientConnection(config, ours, ("", 0), ("", 0))

        conns = [connection() for _ in range(COUNT)]
        for conn in conns[:-1]:
            worker._linger(conn)
        answered = Future()
        answered.set_result(False)
        # Both are told by one look at the sockets, whatever their order.
        queue.defer(worker.finish_request, conns[-1], answered)
        peers[0].sendall(b"more")
        worker.wait_for_and_dispatch_events(0.1)
        assert worker.nr_conns == COUNT - 1
        for conn in conns[1:]:
            conn.close()
    worker.poller.close()
    queue.close()
    worker.tmp.close()
