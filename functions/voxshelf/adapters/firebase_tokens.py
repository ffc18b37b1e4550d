"""Firebase ID tokens, verified by the Admin SDK."""

import firebase_admin
from firebase_admin import auth, exceptions

from voxshelf.core.errors import Unauthenticated, Unavailable


class FirebaseTokens:
    """Tells whose an ID token is."""

    def __init__(self, project_id: str) -> None:
        """Accept the tokens of this project only."""
        self._app = firebase_admin.initialize_app(
            options={"projectId": project_id}, name=f"voxshelf-{project_id}"
        )

    def uid(self, id_token: str) -> str:
        """Return the uid that the token proves.

        Raises:
            Unauthenticated: without detail, whatever is wrong with the token.
            Unavailable: when Google's certificates cannot be fetched.
        """
        try:
            claims = auth.verify_id_token(id_token, app=self._app)
        except auth.CertificateFetchError as error:
            raise Unavailable("The sign-in cannot be checked at the moment.") from error
        except (ValueError, exceptions.FirebaseError) as error:
            raise Unauthenticated("Sign in: the ID token is missing, wrong or expired.") from error
        uid: str = claims["uid"]
        return uid
