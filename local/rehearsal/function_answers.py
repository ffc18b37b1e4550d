"""Answers of the APIs behind a function: Cloud Functions, Run, Scheduler, secrets, images."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from local.rehearsal.project import REGION, CloudProject
from local.rehearsal.protocol import Json, Refusal, Request, missing

UPLOAD_BUCKET = f"gcf-v2-uploads.{REGION}.cloudfunctions.appspot.com"


def no_functions(_: CloudProject, __: Request) -> Json:
    """There are none of the first generation."""
    return {}


def functions(state: CloudProject, _: Request) -> Json:
    """All functions of the second generation."""
    return {"functions": list(state.functions.values())}


def upload_url(state: CloudProject, _: Request) -> Json:
    """Where the source goes: a signed URL, so its upload carries no token."""
    name = f"source-{state.number()}.zip"
    return {
        "uploadUrl": f"https://storage.googleapis.com/{UPLOAD_BUCKET}/{name}?GoogleAccessId=google",
        "storageSource": {"bucket": UPLOAD_BUCKET, "object": name},
    }


def upload_source(state: CloudProject, request: Request) -> Json:
    """Keep the source."""
    state.sources[request.names["name"]] = request.body
    return {}


def create_function(state: CloudProject, request: Request) -> Json:
    """Build a function from the uploaded source, as a Cloud Run service of its own."""
    name = f"{state.location}/functions/{request.query['functionId']}"
    if name in state.functions:
        raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"{name} exists.")
    return state.operation(_built(state, name, request.json()))


def update_function(state: CloudProject, request: Request) -> Json:
    """Build a function anew."""
    name = f"{state.location}/functions/{request.names['function']}"
    if name not in state.functions:
        raise missing(name)
    return state.operation(_built(state, name, request.json()))


def operation(state: CloudProject, request: Request) -> Json:
    """A long-running operation: all are done."""
    return state.operations[f"{state.location}/operations/{request.names['operation']}"]


def service_policy(state: CloudProject, request: Request) -> Json:
    """Who may call a Cloud Run service."""
    return {"bindings": state.bindings.get(f"services/{request.names['service']}", [])}


def set_service_policy(state: CloudProject, request: Request) -> Json:
    """Decide who may call a Cloud Run service."""
    policy: Json = request.json()["policy"]
    if state.domain_restricted and any(
        "allUsers" in each["members"] for each in policy["bindings"]
    ):
        text = "One or more users named in the policy do not belong to a permitted customer."
        raise Refusal(HTTPStatus.BAD_REQUEST, "FAILED_PRECONDITION", text)
    _require_accounts(state, _members(policy["bindings"]))
    state.bindings[f"services/{request.names['service']}"] = policy["bindings"]
    return policy


def job(state: CloudProject, request: Request) -> Json:
    """A Cloud Scheduler job."""
    name = f"{state.location}/jobs/{request.names['job']}"
    if name not in state.jobs:
        raise missing(name)
    return state.jobs[name]


def set_job(state: CloudProject, request: Request) -> Json:
    """Create or change a Cloud Scheduler job."""
    wanted: Json = request.json()
    _require_accounts(state, {wanted["httpTarget"]["oidcToken"]["serviceAccountEmail"]})
    state.jobs[wanted["name"]] = wanted
    return wanted


def secret_version(state: CloudProject, request: Request) -> Json:
    """The newest version of a secret; never its value."""
    secret = request.names["secret"]
    if secret not in state.secrets:
        raise missing(f"Secret [{state.name}/secrets/{secret}]")
    return {"name": f"{state.name}/secrets/{secret}/versions/1", "state": "ENABLED"}


def secret_policy(state: CloudProject, request: Request) -> Json:
    """Who may read a secret."""
    return {"bindings": state.bindings.get(f"secrets/{request.names['secret']}", [])}


def set_secret_policy(state: CloudProject, request: Request) -> Json:
    """Decide who may read a secret."""
    policy: Json = request.json()["policy"]
    _require_accounts(state, _members(policy["bindings"]))
    state.bindings[f"secrets/{request.names['secret']}"] = policy["bindings"]
    return policy


def repository(state: CloudProject, _: Request) -> Json:
    """The repository of the functions' images."""
    if state.repository is None:
        raise missing("gcf-artifacts")
    return state.repository


def set_repository(state: CloudProject, request: Request) -> Json:
    """Change the repository, such as its clean-up policy."""
    state.repository = {**(state.repository or {}), **request.json()}
    return state.repository


def _built(state: CloudProject, name: str, wanted: Json) -> Json:
    source = wanted["buildConfig"]["source"]["storageSource"]["object"]
    if source not in state.sources:
        raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", f"{source} was not uploaded.")
    account = wanted["serviceConfig"].get("serviceAccountEmail")
    _require_accounts(state, {account} if account else set())
    # Cloud Run takes no underscores, so a service has another name than its function.
    service = name.rsplit("/", 1)[-1].replace("_", "-")
    url = f"https://{service}-rehearsal-uc.a.run.app"
    state.functions[name] = {
        **wanted,
        "name": name,
        "environment": "GEN_2",
        "state": "ACTIVE",
        "url": url,
        "serviceConfig": {
            **wanted["serviceConfig"],
            "service": f"{state.location}/services/{service}",
            "uri": url,
        },
    }
    repository_name = f"{state.location}/repositories/gcf-artifacts"
    state.repository = state.repository or {"name": repository_name, "format": "DOCKER"}
    return state.functions[name]


def _members(bindings: Iterable[dict[str, Any]]) -> set[str]:
    accounts = (member for binding in bindings for member in binding["members"])
    return {member.split(":", 1)[1] for member in accounts if member.startswith("serviceAccount:")}


def _require_accounts(state: CloudProject, emails: set[str]) -> None:
    """Google refuses an account that is not there, wherever it is named."""
    if unknown := emails - state.service_accounts:
        text = f"Service account {min(unknown)} does not exist."
        raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", text)
