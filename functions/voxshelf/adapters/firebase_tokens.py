"""Firebase ID tokens, verified by the Admin SDK."""

import time

import firebase_admin
from firebase_admin import auth, exceptions
from google.auth.exceptions import GoogleAuthError

from voxshelf.core.errors import Unauthenticated, Unavailable
from voxshelf.core.names import is_valid_uid

# Certificates, and users where revocation is checked. The SDK would wait for 120 s, which is
# longer than a listing may take.
_TIMEOUT_S = 10

_REFUSALS = (
    auth.InvalidIdTokenError,  # also when it is expired or revoked
    auth.UserDisabledError,
    auth.UserNotFoundError,
    # What the SDK lets through when a token's parts are no text, hold a text where a number
    # belongs, or are nested a thousand deep.
    ValueError,
    TypeError,
    RecursionError,
)


class FirebaseTokens:
    """Tells whose an ID token is."""

    def __init__(self, app: firebase_admin.App, *, check_revoked: bool) -> None:
        """Accept the tokens of the app's project only.

        With `check_revoked` every token costs a call: Firebase is asked whether its user is
        disabled, deleted or signed out everywhere. Without, such a token ends by itself
        within an hour.
        """
        self._app = app
        self._check_revoked = check_revoked

    @classmethod
    def of_project(cls, project_id: str, *, check_revoked: bool) -> "FirebaseTokens":
        """Return what verifies a deployment's tokens, once in a process."""
        options = {"projectId": project_id, "httpTimeout": _TIMEOUT_S}
        app = firebase_admin.initialize_app(options=options, name=f"voxshelf-{project_id}")
        return cls(app, check_revoked=check_revoked)

    def uid(self, id_token: str) -> str:
        """Return the uid that the token proves.

        Raises:
            Unauthenticated: without detail, whatever is wrong with the token.
            Unavailable: when Google's certificates or the user cannot be fetched.
        """
        try:
            claims = auth.verify_id_token(
                id_token, app=self._app, check_revoked=self._check_revoked
            )
        except _REFUSALS as error:
            raise _refusal() from error
        except (exceptions.FirebaseError, GoogleAuthError) as error:
            raise Unavailable("The sign-in cannot be checked at the moment.") from error
        uid: str = claims["uid"]
        # One that is no part of a path would be 500 wherever it becomes one.
        if not _was_signed_in(claims.get("auth_time")) or not is_valid_uid(uid):
            raise _refusal()
        return uid


def _refusal() -> Unauthenticated:
    # In the words of a request without any token: the answer tells nothing about this one.
    return Unauthenticated("Sign in: send 'Authorization: Bearer <Firebase ID token>'.")


def _was_signed_in(auth_time: object) -> bool:
    """Tell whether the sign-in is past: the one of Firebase's documented checks that the SDK omits.

    https://firebase.google.com/docs/auth/admin/verify-id-tokens
    """
    return isinstance(auth_time, int | float) and auth_time <= time.time()
