"""The queries of requests on the list of jobs (the contract, section 11)."""

from collections.abc import Collection, Iterable
from typing import get_args

from werkzeug.datastructures import MultiDict

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.jobs import ACTIVE, ENDED, JobFilter, JobKind, JobState
from voxshelf.http.query_fields import refuse_unknown

LIST_FIELDS = ("page_size", "page_token", "state", "kind")
DELETE_FIELDS = ("state",)
# In the place of all states of jobs that have not ended.
ACTIVE_STATES = "active"
STATES: tuple[JobState, ...] = get_args(JobState)
ENDED_STATES: tuple[JobState, ...] = tuple(state for state in STATES if state in ENDED)
KINDS: tuple[JobKind, ...] = get_args(JobKind)


def read_job_filter(arguments: "MultiDict[str, str]") -> JobFilter:
    """Read which jobs a list is to show.

    Raises:
        InvalidRequest: naming the field.
    """
    refuse_unknown(arguments, LIST_FIELDS, several=("state",))
    states = _read_states(arguments, (*STATES, ACTIVE_STATES))
    kind = arguments.get("kind") or None
    if kind is not None and kind not in KINDS:
        raise _invalid("kind", KINDS, [kind])
    chosen = tuple(known for known in KINDS if known == kind)
    return JobFilter(states, chosen[0] if chosen else None)


def read_ended_states(arguments: "MultiDict[str, str]") -> tuple[JobState, ...]:
    """Read the states of jobs that are to be deleted: nothing is deleted without them.

    Raises:
        InvalidRequest: naming the field.
    """
    refuse_unknown(arguments, DELETE_FIELDS, several=("state",))
    states = _read_states(arguments, ENDED_STATES)
    if not states:
        raise InvalidRequest(
            f"state is required: which jobs to delete, of {_listed(ENDED_STATES)}; several with "
            "commas between them.",
            details={"field": "state"},
        )
    return states


def filter_text(chosen: JobFilter) -> str:
    """Return the text that two pages of one list have in common."""
    return ",".join([*chosen.states, "", chosen.kind or ""])


def _read_states(
    arguments: "MultiDict[str, str]", choices: Collection[str]
) -> tuple[JobState, ...]:
    sent = ",".join(arguments.getlist("state")).split(",")
    names = {name.strip().lower() for name in sent if name.strip()}
    unknown = names - set(choices)
    if unknown:
        raise _invalid("state", choices, unknown)
    asked = {*names, *(ACTIVE if ACTIVE_STATES in names else ())}
    return tuple(state for state in STATES if state in asked)


def _invalid(name: str, choices: Iterable[str], unknown: Iterable[str]) -> InvalidRequest:
    said = ", ".join(f"{value[:50]!r}" for value in sorted(unknown))
    return InvalidRequest(
        f"{name} must be of {_listed(choices)}, not {said}.", details={"field": name}
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
