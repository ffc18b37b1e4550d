"""Users of the Auth emulator, over its REST interface."""

from dataclasses import dataclass

import httpx

_TIMEOUT_S = 10.0


class AuthEmulatorError(Exception):
    """The Auth emulator cannot be reached or refused; the text is its code or the cause."""


@dataclass(frozen=True)
class User:
    """A user that is signed in; the ID token is good for an hour."""

    uid: str
    email: str
    id_token: str


def sign_up(host: str, email: str, password: str) -> User:
    """Make a user; `host` is `host:port` of the emulator. Raises AuthEmulatorError."""
    return _call(host, "signUp", email, password)


def sign_in(host: str, email: str, password: str) -> User:
    """Sign an existing user in. Raises AuthEmulatorError."""
    return _call(host, "signInWithPassword", email, password)


def sign_in_or_up(host: str, email: str, password: str) -> User:
    """Sign the user in, made first where there is none. Raises AuthEmulatorError."""
    try:
        return sign_in(host, email, password)
    except AuthEmulatorError as error:
        if str(error) not in {"EMAIL_NOT_FOUND", "INVALID_LOGIN_CREDENTIALS"}:
            raise
    return sign_up(host, email, password)


def _call(host: str, method: str, email: str, password: str) -> User:
    url = f"http://{host}/identitytoolkit.googleapis.com/v1/accounts:{method}"
    body = {"email": email, "password": password, "returnSecureToken": True}
    try:
        # A proxy of the environment must not get between two processes of this machine.
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            # The emulator wants an API key and takes any.
            answer = client.post(url, params={"key": "demo"}, json=body)
            fields = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise AuthEmulatorError(str(error) or type(error).__name__) from error
    if answer.is_error:
        code = fields.get("error", {}).get("message")
        raise AuthEmulatorError(code or f"HTTP {answer.status_code}")
    return User(uid=fields["localId"], email=email, id_token=fields["idToken"])
