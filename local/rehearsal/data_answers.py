"""Answers of Firestore, of the security rules and of Cloud Storage for Firebase."""

from typing import Any

from local.rehearsal.project import CloudProject
from local.rehearsal.protocol import Json, Request, missing

DATABASE = "databases/(default)"


def database(state: CloudProject, _: Request) -> Json:
    """The default database."""
    if state.database is None:
        raise missing(DATABASE)
    return state.database


def create_database(state: CloudProject, request: Request) -> Json:
    """Make the default database, in the place that is asked for."""
    state.database = {**request.json(), "name": f"{state.name}/{DATABASE}"}
    return {"name": f"{state.name}/{DATABASE}/operations/1", "done": True}


def database_operation(state: CloudProject, request: Request) -> Json:
    """The making of the database is done."""
    return {"name": request.path, "done": True, "response": state.database}


def indexes(state: CloudProject, _: Request) -> Json:
    """All composite indexes."""
    return {"indexes": list(state.indexes.values())}


def create_index(state: CloudProject, request: Request) -> Json:
    """Make a composite index. Firestore adds `__name__`, in the order of the last field."""
    wanted: Json = request.json()
    fields: list[dict[str, Any]] = wanted["fields"]
    if fields[-1]["fieldPath"] != "__name__":
        orders = [field["order"] for field in fields if "order" in field]
        fields = [*fields, {"fieldPath": "__name__", "order": [*["ASCENDING"], *orders][-1]}]
    name = f"{_group(state, request)}/indexes/{state.number()}"
    state.indexes[name] = {**wanted, "name": name, "fields": fields, "state": "CREATING"}
    return {"name": f"{state.name}/{DATABASE}/operations/{state.number()}"}


def delete_index(state: CloudProject, request: Request) -> Json:
    """Remove a composite index."""
    del state.indexes[f"{_group(state, request)}/indexes/{request.names['index']}"]
    return {}


def fields(state: CloudProject, _: Request) -> Json:
    """Fields with settings of their own."""
    return {"fields": list(state.fields.values())}


def set_field(state: CloudProject, request: Request) -> Json:
    """Give a field settings of its own, or, with nothing, take them away."""
    name = f"{_group(state, request)}/fields/{request.names['field']}"
    wanted: Json = request.json()
    if wanted:
        state.fields[name] = {"name": name, **wanted}
    else:
        state.fields.pop(name, None)
    return {"name": f"{state.name}/{DATABASE}/operations/{state.number()}"}


def compiled_rules(_: CloudProject, __: Request) -> Json:
    """Rules compile: the emulators hold them to that, not the stand-in."""
    return {}


def releases(state: CloudProject, _: Request) -> Json:
    """All releases of rules."""
    return {"releases": list(state.releases.values())}


def ruleset(state: CloudProject, request: Request) -> Json:
    """One set of rules, with its source."""
    return state.rulesets[f"{state.name}/rulesets/{request.names['ruleset']}"]


def create_ruleset(state: CloudProject, request: Request) -> Json:
    """Keep a set of rules."""
    name = f"{state.name}/rulesets/{state.number()}"
    state.rulesets[name] = {"name": name, "source": request.json()["source"]}
    return state.rulesets[name]


def create_release(state: CloudProject, request: Request) -> Json:
    """Put a set of rules in force for the first time."""
    wanted: Json = request.json()
    state.releases[wanted["name"]] = {**wanted, "createTime": "2026-01-01T00:00:00Z"}
    return state.releases[wanted["name"]]


def update_release(state: CloudProject, request: Request) -> Json:
    """Put another set of rules in force."""
    wanted: Json = request.json()["release"]
    if wanted["name"] not in state.releases:
        raise missing(wanted["name"])
    state.releases[wanted["name"]] |= wanted
    return state.releases[wanted["name"]]


def default_bucket(state: CloudProject, _: Request) -> Json:
    """The bucket that Storage was set up with."""
    if state.bucket is None:
        raise missing("The default bucket")
    return {"bucket": {"name": f"{state.name}/buckets/{state.bucket}"}}


def _group(state: CloudProject, request: Request) -> str:
    return f"{state.name}/{DATABASE}/collectionGroups/{request.names['group']}"
