"""Requests to the service and to Storage, tried again while a fault may pass."""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from voxshelf.migrate.identity import Identity, Stopped

_LONGEST_PAUSE_S = 30.0
# A save that died with its server keeps its place for 360 s (`Policy.lease`): a retry waits
# longer than that.
_PATIENCE_S = 420.0
# What failed without a word of being temporary is soon the fault of this one item.
_PATIENCE_WITH_500_S = 15.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
# The answers that, when they stay, say something of the item; of the service, when they stay for
# as many items as this one after another.
_OF_ITEM = frozenset({409, 500})
_ITEMS_IN_A_ROW = 3

# What an upload is said to be: the service tells audio by its bytes.
UPLOAD_TYPE = "application/octet-stream"

Body = Callable[[], Mapping[str, Any]]


class Site:
    """One site and one user. `say` is told of each wait; `sleep` passes it, in seconds."""

    def __init__(
        self,
        url: str,
        http: httpx.Client,
        identity: Identity,
        *,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Call the API below `url`."""
        self.url, self._http, self._identity = url, http, identity
        self._say, self._sleep = say, sleep
        self._given_up = 0

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET of the API."""
        return self._send("GET", f"{self.url}{path}", "Bearer", dict)

    def post(self, path: str, key: str, body: Body) -> httpx.Response:
        """Return the answer to a POST of the API; `body` makes it anew for each attempt."""
        headers = {"Idempotency-Key": key}
        return self._send("POST", f"{self.url}{path}", "Bearer", body, headers)

    def upload(self, storage_url: str, name: str, body: Body) -> httpx.Response:
        """Put a file straight into Storage, as the Firebase SDK does.

        `storage_url` is what download URLs begin with, up to the bucket's objects.
        """
        headers = {"Content-Type": UPLOAD_TYPE}
        url = str(httpx.URL(storage_url, params={"name": name}))
        return self._send("POST", url, "Firebase", body, headers)

    def _send(
        self,
        method: str,
        url: str,
        scheme: str,
        body: Body,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Return the first answer that stays.

        Raises:
            Stopped: when the service cannot be reached, or does not know the user.
        """
        renewed, waited_s = False, 0.0
        for attempt in itertools.count():
            answer: httpx.Response | None = None
            try:
                authorization = {"Authorization": f"{scheme} {self._identity.token()}"}
                answer = self._http.request(
                    method, url, headers={**(headers or {}), **authorization}, **body()
                )
            except httpx.TransportError as error:
                fault = str(error) or type(error).__name__
            else:
                if _is_token_refused(answer) and not renewed:
                    self._identity.renew()
                    renewed = True
                    continue
                if not _may_pass(answer):
                    self._given_up = 0
                    return _known(answer)
                fault = message_of(answer)
            pause_s = max(min(2.0**attempt, _LONGEST_PAUSE_S), _retry_after_s(answer))
            patience_s = _PATIENCE_WITH_500_S if _status(answer) == 500 else _PATIENCE_S
            if waited_s + pause_s > patience_s:
                self._given_up += 1
                of_item = _status(answer) in _OF_ITEM and self._given_up < _ITEMS_IN_A_ROW
                if answer is None or not of_item:
                    raise Stopped(f"The service cannot be reached, or always fails: {fault}")
                return answer
            self._say(f"{fault} Trying again in {pause_s:.0f} s.")
            self._sleep(pause_s)
            waited_s += pause_s
        raise AssertionError


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; of anything else an empty one."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def message_of(answer: httpx.Response) -> str:
    """Return what an answer says to people."""
    message = body_of(answer).get("message")
    return message if isinstance(message, str) else f"HTTP {answer.status_code}."


def _status(answer: httpx.Response | None) -> int:
    return answer.status_code if answer is not None else 0


def _is_token_refused(answer: httpx.Response) -> bool:
    return answer.status_code == 401 and body_of(answer).get("code") != "app_check_required"


def _may_pass(answer: httpx.Response) -> bool:
    code = body_of(answer).get("code")
    if answer.status_code == 409:
        return code == "in_progress"
    # A quota does not pass within a run.
    return answer.status_code in _PASSING and code != "quota_exceeded"


def _known(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == 401:
        raise Stopped(f"The service does not accept this user: {message_of(answer)}")
    return answer


def _retry_after_s(answer: httpx.Response | None) -> float:
    """Return the seconds that an answer asks to wait; the form with a date counts as none."""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return float(asked) if asked.isascii() and asked.isdigit() else 0.0
