"""The scheduled clean-up. Not part of the API: only Cloud Scheduler may call it.

The platform checks the caller (functions.yaml declares no public invoker), and the run does
the same whoever asks, so nothing of the request is believed but `deep`.
"""

import time

import flask

from voxshelf.http import arriving, request_log
from voxshelf.http.ports import Services
from voxshelf.use_cases.give_upload import Cleared, clear_expired_uploads
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.settle_due_jobs import Followed, settle_due_jobs
from voxshelf.wiring import services

# The function's timeout is 300 s (functions.yaml). What has begun by then is a save's confirmation
# at the longest, or a batch of each thread, each of them bounded by some 30 s.
_RUN_FOR_S = 240.0
# Of these, for jobs: RunPod forgets results after 30 minutes, and a run comes every five.
_JOBS_FOR_S = 120.0


def handle(request: flask.Request) -> flask.Response:
    """Run once; answer and log what was found and done."""
    if request.path == "/__/health":
        return flask.Response(status=200)
    arriving.begin(request, "")
    options = request.get_json(silent=True) if request.content_length else None
    deep = isinstance(options, dict) and options.get("deep") is True
    return flask.jsonify({"status": "success", "deep": deep, **run(deep=deep)})


def run(*, deep: bool) -> dict[str, int]:
    """Run once with this process's services; return the counts, and log them in one line.

    Jobs come first: all else can wait for the next run, and the results of jobs cannot.
    """
    started, made = time.monotonic(), services()
    followed = _follow_jobs(made, started + _JOBS_FOR_S)
    summary = reconcile(
        library=made.library,
        upkeep=made.upkeep,
        objects=made.objects,
        lease=made.policy.lease,
        deep=deep,
        ends_at=started + _RUN_FOR_S,
    )
    if followed is not None:
        for unreadable in followed.unreadable:
            summary.pass_over(unreadable)
    counts = {**summary.counts(), **_counts(followed), **_upload_slots(made)}
    for unreadable in summary.named:
        details = {"kind": unreadable.kind, "document": unreadable.digest}
        request_log.problem("document cannot be read", {**details, "met": unreadable.problem})
    request_log.event("reconcile", {"deep": deep, **counts})
    return counts


def _upload_slots(made: Services) -> dict[str, int]:
    """Close the slots whose uploads never came to be saved."""
    try:
        cleared = clear_expired_uploads(made.upload_slots, made.objects, made.policy.lease)
    except Exception:
        # The next run finds them again.
        cleared = Cleared(failed=1)
    return {"upload_slots": cleared.closed, "upload_slots_failed": cleared.failed}


def _follow_jobs(made: Services, ends_at: float) -> Followed | None:
    """Follow the jobs whose webhooks never came."""
    if not made.runpod.is_configured:
        return None
    runpod = made.runpod
    try:
        return settle_due_jobs(
            jobs=runpod.jobs,
            workers=runpod.workers,
            results=runpod.results,
            lease=made.policy.lease,
            ends_at=ends_at,
        )
    except Exception:
        # Whatever the reason, all else is tried all the same.
        return Followed(failed=1)


def _counts(followed: Followed | None) -> dict[str, int]:
    if followed is None:
        return {}
    return {
        "jobs_followed": followed.looked,
        "jobs_ended": followed.ended,
        "jobs_failed": followed.failed,
        "jobs_unfinished": followed.unfinished,
    }
