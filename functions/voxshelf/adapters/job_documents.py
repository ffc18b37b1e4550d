"""Jobs to Firestore documents and back; see `documents` for what holds for all of them."""

from dataclasses import asdict, replace

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.core.jobs import CloneOrder, Failure, Job, JobUse, SpeechOrder

_TIMES = ("created_at", "updated_at", "due_at", "saving_until")


def from_job(job: Job) -> Fields:
    """Return the fields of a job; `active` is what `due` asks for."""
    fields = asdict(job)
    order = {**fields["order"], "tags": list(job.order.tags)}
    if isinstance(job.order, CloneOrder):
        order["consent"] = list(job.order.consent) if job.order.consent else None
    return {**fields, "order": order, "active": not job.has_ended}


def to_job(document: Document) -> Job:
    """Return the job that a document holds."""
    fields = {name: value for name, value in document.items() if name != "active"}
    for name in _TIMES:
        fields[name] = to_time(fields[name]) if fields[name] else None
    fields["failure"] = Failure(**fields["failure"]) if fields["failure"] else None
    order = {**fields["order"], "tags": tuple(fields["order"]["tags"])}
    if fields["kind"] == "clone":
        consent = order["consent"]
        fields["order"] = CloneOrder(**{**order, "consent": tuple(consent) if consent else None})
    else:
        fields["order"] = SpeechOrder(**order)
    return Job(**fields)


def to_job_use(account: Document) -> JobUse:
    """Return what a user has asked of the GPUs, from his own document, which may be empty."""
    use = JobUse(**account.get("jobs", {}))
    # A job that ended after its user's document was deleted has been counted from nothing.
    return replace(use, active=max(use.active, 0))
