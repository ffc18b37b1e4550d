"""RunPod's API: `/v2/{endpoint}/run`, `/runsync`, `/status/{id}`, `/cancel/{id}`, `/health`.

Bodies are those of RunPod's documentation ("Operation reference", "Send API requests"). What it
does not say is chosen here: a request that is too large is a 400, as that is the only status for
bad requests in its table of errors, and a job that has ended is not changed by /cancel.
"""

import asyncio
import hmac
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from local.runpod.answers import broken, refused
from local.runpod.faults import Fault, FaultInvalid
from local.runpod.jobs import Job, Policy, PolicyInvalid
from local.runpod.journal import Journal, note, shortened
from local.runpod.plan import FaultPlan, Starts, starts_job
from local.runpod.runner import Runner
from local.runpod.settings import SettingInvalid, Settings

ENDPOINTS = ("clone", "speech")
_MAX_WAIT_S = 300.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StandIn:
    """The API, its jobs and its journal, for one event loop."""

    def __init__(self, key: str, base_url: str, settings: Settings) -> None:
        """Prepare for clients that carry `key` and reach this server at `base_url`."""
        self._key, self._base_url, self._first_settings = key, base_url, settings
        self._runner = Runner(settings, self._publish)
        self._starts, self._journal = Starts(), Journal()
        self._files: dict[str, bytes] = {}

    def application(self) -> web.Application:
        """Return the server's application."""
        # Bodies are measured by the operations: their limits differ.
        app = web.Application(middlewares=[self._checked], client_max_size=0)
        app.router.add_post("/v2/{endpoint}/run", self._run)
        app.router.add_post("/v2/{endpoint}/runsync", self._run)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/v2/{endpoint}/status/{job_id}", self._status)
        app.router.add_post("/v2/{endpoint}/cancel/{job_id}", self._cancel)
        app.router.add_get("/v2/{endpoint}/health", self._health)
        app.router.add_get("/_files/{name}", self._file)
        app.router.add_post("/_control/faults", self._set_faults)
        app.router.add_post("/_control/settings", self._set_settings)
        app.router.add_get("/_control/calls", self._tell_calls)
        app.router.add_post("/_control/reset", self._reset)
        app.on_shutdown.append(self._close)
        return app

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Ask for the key, and for an endpoint that there is; keep the journal."""
        if request.path.startswith("/_files/"):
            return await handler(request)
        expected = f"Bearer {self._key}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            answer: web.StreamResponse = web.Response(status=401)
        elif request.match_info.get("endpoint", ENDPOINTS[0]) not in ENDPOINTS:
            answer = refused(404, "endpoint not found")
        elif request.path.startswith("/_control/"):
            return await self._controlled(request, handler)
        else:
            answer = await handler(request)
        self._journal.record(request, answer.status)
        return answer

    @staticmethod
    async def _controlled(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (FaultInvalid, SettingInvalid, json.JSONDecodeError) as problem:
            return refused(400, str(problem))

    async def _run(self, request: web.Request) -> web.StreamResponse:
        endpoint = request.match_info["endpoint"]
        synchronous = request.path.endswith("/runsync")
        settings = self._runner.settings
        limit = settings.max_runsync_bytes if synchronous else settings.max_run_bytes
        body = await _body(request, limit)
        if body is None:
            return refused(400, f"request body is larger than {limit} bytes")
        try:
            wanted = json.loads(body)
            given = dict(wanted["input"])
            policy = Policy.read(wanted.get("policy"), settings)
            webhook = _webhook(wanted.get("webhook"))
            carried = given.pop("_fault", None) or _header(request)
            fault, how = self._starts.next(endpoint, body, carried)
        except (ValueError, KeyError, TypeError, AttributeError, PolicyInvalid) as problem:
            return refused(400, f"bad request: {problem}")
        except FaultInvalid as problem:
            return refused(400, str(problem))
        note(request, body_bytes=len(body), input=shortened(given))
        if not starts_job(how):
            return await broken(request, how, {}, fault)
        job = Job(endpoint, given, webhook, policy, fault, synchronous)
        note(request, job_id=job.job_id)
        self._runner.submit(job)
        if synchronous:
            await self._waited(request, job)
            return await broken(request, how, job.told(), fault)
        # So it is told even when a worker was free at once.
        return await broken(request, how, {"id": job.job_id, "status": "IN_QUEUE"}, fault)

    async def _waited(self, request: web.Request, job: Job) -> None:
        text = request.query.get("wait", "")
        wait_s = int(text) / 1000 if text.isdigit() else self._runner.settings.sync_wait_s
        try:
            async with asyncio.timeout(min(wait_s, _MAX_WAIT_S)):
                await job.ended.wait()
        except TimeoutError:
            return

    async def _status(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if job is None:
            return refused(404, "job not found")
        try:
            asked = _header(request)
            answers = deque(Fault.read(asked).status) if asked else job.status_answers
        except (FaultInvalid, ValueError) as problem:
            return refused(400, str(problem))
        how = answers.popleft() if answers else "ok"
        return await broken(request, how, job.told(), job.fault)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if job is None:
            return refused(404, "job not found")
        self._runner.cancel(job)
        return web.json_response({"id": job.job_id, "status": job.state})

    async def _health(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._runner.health(request.match_info["endpoint"]))

    def _job(self, request: web.Request) -> Job | None:
        note(request, job_id=request.match_info["job_id"])
        job = self._runner.jobs.get(request.match_info["job_id"])
        return job if job and job.endpoint == request.match_info["endpoint"] else None

    def _publish(self, audio: bytes) -> str:
        name = f"{secrets.token_hex(8)}.wav"
        self._files[name] = audio
        return f"{self._base_url}/_files/{name}"

    async def _file(self, request: web.Request) -> web.StreamResponse:
        audio = self._files.get(request.match_info["name"])
        if audio is None:
            return refused(404, "file not found")
        return web.Response(body=audio, content_type="audio/wav")

    async def _set_faults(self, request: web.Request) -> web.StreamResponse:
        self._starts.plan = FaultPlan.read(await _json(request))
        return web.json_response({"queued": len(self._starts.plan.queue)})

    async def _set_settings(self, request: web.Request) -> web.StreamResponse:
        values = await _json(request)
        if not isinstance(values, Mapping):
            raise SettingInvalid("Settings are an object.")
        await self._runner.change(self._runner.settings.changed(values))
        return web.json_response({})

    async def _tell_calls(self, _request: web.Request) -> web.StreamResponse:
        jobs = [
            {"id": job.job_id, "endpoint": job.endpoint, "status": job.state}
            for job in self._runner.jobs.values()
        ]
        attempts = list(self._runner.webhooks.attempts)
        return web.json_response(
            {"calls": self._journal.told(), "webhooks": attempts, "jobs": jobs}
        )

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        await self._close(request.app)
        await self._runner.change(self._first_settings)
        self._starts = Starts()
        self._files.clear()
        self._journal.clear()
        return web.json_response({})

    async def _close(self, _app: web.Application) -> None:
        await self._runner.close()


async def _body(request: web.Request, limit: int) -> bytes | None:
    """Return the body, None when it is larger than the limit."""
    body = bytearray()
    async for block in request.content.iter_any():
        body += block
        if len(body) > limit:
            return None
    return bytes(body)


def _webhook(url: object) -> str | None:
    if url is not None and not isinstance(url, str):
        raise TypeError("webhook is no address")
    return url


async def _json(request: web.Request) -> Any:
    return json.loads(await request.content.read() or b"{}")


def _header(request: web.Request) -> Any:
    text = request.headers.get("X-Fault")
    return json.loads(text) if text else None
