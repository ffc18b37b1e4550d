"""Jobs to Firestore documents and back; see `documents` for what holds for all of them."""

from dataclasses import asdict

from voxshelf.adapters.documents import Document, Fields, to_time
from voxshelf.core.job_use import JobUse
from voxshelf.core.jobs import CloneOrder, Failure, Job, SpeechOrder

_TIMES = ("created_at", "updated_at", "due_at", "saving_until", "expires_at")
# What the owner's browser, which reads a job's document as it is, must not see: by what the webhook
# is known, where the job runs, what its order is known by, who saves it, and what lies in uploads/.
HIDDEN = frozenset(
    {
        "secret_sha256",
        "endpoint_id",
        "fingerprint",
        "saving_by",
        "saving_until",
        "output_sha256",
        "recording",
    }
)
# What both documents of a job tell: by which it is found, and when the database removes it.
_IN_BOTH = frozenset({"job_id", "expires_at"})


def shown_of(job: Job) -> Fields:
    """Return the fields of a job that its owner may see; `active` is what `due` asks for."""
    fields = asdict(job)
    order = {**fields["order"], "tags": list(job.order.tags)}
    if isinstance(job.order, CloneOrder):
        order["consent"] = list(job.order.consent) if job.order.consent else None
    shown = {name: value for name, value in fields.items() if name not in HIDDEN}
    return {**shown, "order": order, "active": not job.has_ended}


def hidden_of(job: Job) -> Fields:
    """Return the fields of a job that nobody but the functions may see."""
    return {name: getattr(job, name) for name in sorted(HIDDEN | _IN_BOTH)}


def to_job(document: Document) -> Job:
    """Return the job of its documents, put together.

    Where the hidden one is missing, so are the webhook's secret and all that a worker is asked by.
    """
    fields = {**dict.fromkeys(("secret_sha256", "endpoint_id", "fingerprint"), ""), **document}
    fields.pop("active", None)
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
    counted = {
        "active": use.active,
        "day": use.day,
        "today": use.today,
        "taken_over": use.taken_over,
    }
    return {"jobs": counted, "job_orders": orders}


def to_job_use(account: Document) -> JobUse:
    """Return what a user has asked of the GPUs, from his own document, which may be empty."""
    counted = account.get("jobs", {})
    return JobUse(
        # A job that ended after its user's document was deleted has been counted from nothing.
        active=max(counted.get("active", 0), 0),
        day=counted.get("day", ""),
        today=counted.get("today", 0),
        taken_over=counted.get("taken_over", 0),
        orders=account.get("job_orders", {}),
    )
