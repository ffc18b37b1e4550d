"""Jobs to Firestore documents and back; see `documents` for what holds for all of them."""

from dataclasses import asdict

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.core.job_use import JobUse
from voxshelf.core.jobs import CloneOrder, Failure, Job, SpeechOrder

_TIMES = ("created_at", "updated_at", "due_at", "saving_until", "expires_at")


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
        fields[name] = to_time(fields[name]) if fields.get(name) else None
    fields["failure"] = Failure(**fields["failure"]) if fields["failure"] else None
    order = {**fields["order"], "tags": tuple(fields["order"]["tags"])}
    if fields["kind"] == "clone":
        consent = order["consent"]
        fields["order"] = CloneOrder(**{**order, "consent": tuple(consent) if consent else None})
    else:
        fields["order"] = SpeechOrder(**order)
    return Job(**fields)


def from_job_use(use: JobUse) -> Fields:
    """Return the fields of a user's own document that tell what he has asked of the GPUs."""
    orders = {job_id: list(known) for job_id, known in use.orders.items()}
    counted = {"active": use.active, "day": use.day, "today": use.today}
    return {"jobs": counted, "job_orders": orders}


def to_job_use(account: Document) -> JobUse:
    """Return what a user has asked of the GPUs, from his own document, which may be empty."""
    counted = account.get("jobs", {})
    return JobUse(
        # A job that ended after its user's document was deleted has been counted from nothing.
        active=max(counted.get("active", 0), 0),
        day=counted.get("day", ""),
        today=counted.get("today", 0),
        orders=account.get("job_orders", {}),
    )
