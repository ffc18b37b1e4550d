"""The scheduled clean-up. Not part of the API: only Cloud Scheduler may call it.

The platform checks the caller (functions.yaml declares no public invoker), and the run does
the same whoever asks, so nothing of the request is believed but `deep`.
"""

from datetime import UTC, datetime

import flask

from voxshelf.http import arriving, request_log
from voxshelf.http.ports import Services
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.settle_due_jobs import settle_due_jobs
from voxshelf.wiring import services


def handle(request: flask.Request) -> flask.Response:
    """Run once; answer and log what was found and done."""
    if request.path == "/__/health":
        return flask.Response(status=200)
    arriving.begin(request, "")
    options = request.get_json(silent=True) if request.content_length else None
    deep = isinstance(options, dict) and options.get("deep") is True
    return flask.jsonify({"status": "success", "deep": deep, **run(deep=deep)})


def run(*, deep: bool) -> dict[str, int]:
    """Run once with this process's services; return the counts, and log them in one line."""
    made = services()
    summary = reconcile(
        library=made.library,
        upkeep=made.upkeep,
        objects=made.objects,
        lease=made.policy.lease,
        now=datetime.now(UTC),
        deep=deep,
    )
    counts = {**summary.counts(), **_jobs(made)}
    request_log.event("reconcile", {"deep": deep, **counts})
    return counts


def _jobs(made: Services) -> dict[str, int]:
    """Follow the jobs whose webhooks never came."""
    if not made.runpod.is_configured:
        return {}
    runpod = made.runpod
    followed = settle_due_jobs(
        jobs=runpod.jobs, workers=runpod.workers, results=runpod.results, lease=made.policy.lease
    )
    return {
        "jobs_followed": followed.looked,
        "jobs_ended": followed.ended,
        "jobs_failed": followed.failed,
    }
