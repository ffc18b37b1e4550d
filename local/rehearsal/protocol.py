"""What the stand-in's parts say to each other: requests, rows of its table, refusals."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.rehearsal.project import CloudProject

# What an answer is made of: JSON, or nothing.
Json = dict[str, Any]
PERMISSION_DENIED = "PERMISSION_DENIED"
NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True)
class Request:
    """One call as it came in. `names` are the parts of the path that the row names."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    names: dict[str, str]
    body: bytes
    caller: "Caller"

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Grant:
    """Permissions that a role gives, on the whole project or on each secret alone."""

    role: str
    permissions: frozenset[str]
    on_secrets_only: bool = False


@dataclass(frozen=True)
class Caller:
    """Who calls: an owner (no grants listed: everything is allowed), or an account with grants."""

    email: str
    grants: tuple[Grant, ...] | None = None
    denied: frozenset[str] = frozenset()

    def may(self, permission: str, *, on_secret: bool = False) -> bool:
        """Whether the permission is granted on the resource of the call."""
        if permission in self.denied:
            return False
        return self.grants is None or any(
            permission in grant.permissions and (on_secret or not grant.on_secrets_only)
            for grant in self.grants
        )


class Refusal(Exception):
    """An answer that is an error in Google's form."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        """`reason` is Google's name of the status, such as PERMISSION_DENIED."""
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": status.value, "status": reason, "message": message}}


def missing(name: str) -> Refusal:
    """The answer when there is no such resource."""
    return Refusal(HTTPStatus.NOT_FOUND, NOT_FOUND, f"{name} was not found.")


Answer = Callable[[CloudProject, Request], Json]


@dataclass(frozen=True)
class Row:
    """One kind of call: which it is, what it needs, and who answers it."""

    method: str
    host: str
    path: str
    permissions: tuple[str, ...]
    answer: Answer
    # The API that must be on; the host's unless it says otherwise. Empty: none.
    api: str | None = None

    def matches(self, method: str, host: str, path: str) -> dict[str, str] | None:
        """The named parts of the path when this row is meant."""
        if (method, host) != (self.method, self.host):
            return None
        found = re.fullmatch(_pattern(self.path), path)
        return None if found is None else found.groupdict()

    @property
    def needed_api(self) -> str:
        """The API that must be on for this call; empty when none is."""
        return self.host if self.api is None else self.api


def _pattern(path: str) -> str:
    """`{name}` stands for one part of a path, `{name+}` for the rest of it."""
    escaped = re.escape(path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\+", "+")
    rest = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", escaped)
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", rest)
