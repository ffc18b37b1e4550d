"""Who the files are saved for: an ID token, given or got by signing in."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Protocol

import httpx

# A token is renewed before it ends, so that none ends on its way.
_EARLY_S = 300


class Stopped(Exception):
    """The run cannot go on; the text says why and what to do."""


class Identity(Protocol):
    """Gives the token of each request."""

    @property
    def uid(self) -> str:
        """Return the user's id."""

    def token(self) -> str:
        """Return a token that holds now."""

    def renew(self) -> None:
        """Get another token, the last one having been refused. Raises Stopped."""


class GivenToken:
    """A token of the caller's; when it ends, the run ends."""

    def __init__(self, token: str) -> None:
        """Take the token. Raises Stopped when it is none."""
        self._token = token.strip()
        self.uid = _uid(self._token)

    def token(self) -> str:
        """Return the token."""
        return self._token

    def renew(self) -> None:
        """Stop: there is no other."""
        raise Stopped("The ID token is not accepted: they end after an hour. Give a fresh one.")


@dataclass(frozen=True, slots=True)
class Account:
    """A user with a password; `auth_emulator` is `host:port` in place of Firebase's own."""

    email: str
    password: str
    api_key: str
    auth_emulator: str | None = None


class SignedIn:
    """A user signed in by password, whose token is renewed in time.

    The calls are those of Firebase's REST reference: `accounts:signInWithPassword` of the
    Identity Toolkit, and the Secure Token Service's exchange of a refresh token.
    """

    def __init__(self, account: Account, http: httpx.Client) -> None:
        """Sign in. Raises Stopped when that is refused."""
        self._account, self._http = account, http
        body = {"email": account.email, "password": account.password, "returnSecureToken": True}
        path = "v1/accounts:signInWithPassword"
        answer = self._call("identitytoolkit.googleapis.com", path, json=body)
        self._take(answer["idToken"], answer["refreshToken"], answer["expiresIn"])
        self.uid = _uid(self._token)

    def token(self) -> str:
        """Return a token that holds for some minutes."""
        if time.time() > self._ends_at - _EARLY_S:
            self.renew()
        return self._token

    def renew(self) -> None:
        """Exchange the refresh token. Raises Stopped when that is refused."""
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        answer = self._call("securetoken.googleapis.com", "v1/token", data=form)
        self._take(answer["id_token"], answer["refresh_token"], answer["expires_in"])

    def _take(self, token: str, refresh_token: str, lifetime_s: str) -> None:
        self._token, self._refresh_token = token, refresh_token
        self._ends_at = time.time() + int(lifetime_s)

    def _call(
        self, host: str, path: str, **body: dict[str, object] | dict[str, str]
    ) -> dict[str, str]:
        emulator = self._account.auth_emulator
        base = f"http://{emulator}/{host}" if emulator else f"https://{host}"
        key = {"key": self._account.api_key}
        answer = self._http.post(f"{base}/{path}", params=key, **body)  # type: ignore[arg-type]
        try:
            fields = answer.json()
            if answer.is_success:
                return dict(fields)
            reason = fields["error"]["message"]
        except (ValueError, KeyError, TypeError):
            reason = f"HTTP {answer.status_code}"
        raise Stopped(f"Signing in was refused: {reason}.")


def _uid(token: str) -> str:
    """Return the user that a token names; the service is the one that verifies it."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (ValueError, IndexError, KeyError, TypeError):
        raise Stopped("That is no Firebase ID token.") from None
