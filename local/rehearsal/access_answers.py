"""Answers of the APIs that say who calls, what he may, and which APIs are on."""

from http import HTTPStatus

from local.rehearsal.project import NUMBER, CloudProject
from local.rehearsal.protocol import Json, Refusal, Request, missing


def federated_token(_: CloudProject, request: Request) -> Json:
    """Exchange the identity of a CI run for a token of the pool it belongs to."""
    return {
        "access_token": request.caller.email,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


def account_token(_: CloudProject, request: Request) -> Json:
    """A token of the account that the pool's identity may act as."""
    if request.names["account"] != request.caller.email:
        raise missing(request.names["account"])
    return {"accessToken": request.caller.email, "expireTime": "2099-01-01T00:00:00Z"}


def granted_permissions(_: CloudProject, request: Request) -> Json:
    """Which of the listed permissions the caller has on the project."""
    return {
        "permissions": [name for name in request.json()["permissions"] if request.caller.may(name)]
    }


def app_engine_account(_: CloudProject, request: Request) -> Json:
    """Projects without App Engine, as all new ones are, do not have this account."""
    raise missing(request.names["account"])


def project(state: CloudProject, _: Request) -> Json:
    """The project's number, by its id."""
    return {
        "projectNumber": NUMBER,
        "projectId": state.project_id,
        "lifecycleState": "ACTIVE",
        "name": state.project_id,
    }


def firebase_project(state: CloudProject, _: Request) -> Json:
    """The project as Firebase knows it, with its Hosting site."""
    return {
        "projectId": state.project_id,
        "projectNumber": NUMBER,
        "state": "ACTIVE",
        "resources": {"hostingSite": state.project_id},
    }


def admin_config(state: CloudProject, _: Request) -> Json:
    """What becomes FIREBASE_CONFIG of the functions."""
    bucket = {"storageBucket": state.bucket} if state.bucket else {}
    return {"projectId": state.project_id, **bucket}


def service(state: CloudProject, request: Request) -> Json:
    """Whether an API is on."""
    name = request.names["api"]
    return {"name": name, "state": "ENABLED" if name in state.enabled else "DISABLED"}


def enable_service(state: CloudProject, request: Request) -> Json:
    """Switch an API on."""
    state.enabled.add(request.names["api"])
    return {"name": f"operations/acf.{state.number()}", "done": True, "response": {}}


def service_identity(state: CloudProject, request: Request) -> Json:
    """Make the account that an API acts as."""
    if request.names["api"] not in state.enabled:
        raise Refusal(HTTPStatus.BAD_REQUEST, "FAILED_PRECONDITION", "The API is off.")
    email = f"service-{NUMBER}@gcp-sa-{request.names['api'].split('.')[0]}.iam.gserviceaccount.com"
    return {
        "name": f"operations/finished.{state.number()}",
        "done": True,
        "response": {"email": email},
    }
