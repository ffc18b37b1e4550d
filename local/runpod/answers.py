"""Answers of the stand-in, sound or broken in the way that was asked for."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.runpod.faults import Answer, Fault
from local.runpod.journal import note

_RETRY_AFTER_S = 1


def refused(status: int, message: str) -> web.Response:
    """Return an error in RunPod's form."""
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if status == 429 else None
    return web.json_response({"error": message}, status=status, headers=headers)


async def broken(
    request: web.Request, how: Answer, content: Mapping[str, Any], fault: Fault
) -> web.StreamResponse:
    """Answer with the content, or as `how` says."""
    note(request, answer=how)
    if isinstance(how, int):
        return refused(how, "this answer was asked for")
    if how in {"reset", "lost"}:
        return _reset(request)
    if how == "slow":
        await asyncio.sleep(fault.slow_ms / 1000)
    body = json.dumps(content).encode()
    if how == "half":
        return web.Response(body=body[: len(body) // 2], content_type="application/json")
    if how == "cut":
        return await _cut(request, body)
    return web.Response(body=body, content_type="application/json")


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    answer.content_length = len(body)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer


def _reset(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer, by a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        # A socket that lingers for no time at all is closed by a reset, whatever was read from it.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
