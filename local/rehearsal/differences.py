"""Hold a deployed project to what a checkout declares; each difference is a sentence."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from local.rehearsal.checkout import DECOYS
from local.rehearsal.declared import Declared
from local.rehearsal.project import CloudProject

# The code is some hundred kB; a hundredth of an environment would be more.
_SOURCE_LIMIT_BYTES = 1_000_000
_READERS = "roles/secretmanager.secretAccessor"
_CALLERS = "roles/run.invoker"


def differences(project: CloudProject, declared: Declared) -> list[str]:
    """Every way in which the project is not what is declared."""
    checks = (_functions, _access, _schedule, _source, _hosting, _firestore, _rules)
    return [text for check in checks for text in check(project, declared)]


def _functions(project: CloudProject, declared: Declared) -> Iterator[str]:
    deployed = {name.rsplit("/", 1)[-1]: state for name, state in project.functions.items()}
    yield from _same("functions", sorted(deployed), sorted(declared.endpoints))
    for name in deployed.keys() & declared.endpoints.keys():
        wanted, service = declared.endpoints[name], deployed[name]["serviceConfig"]
        secrets = [each["key"] for each in service.get("secretEnvironmentVariables", [])]
        pairs = {
            "runtime": (deployed[name]["buildConfig"]["runtime"], "python311"),
            "entry point": (deployed[name]["buildConfig"]["entryPoint"], wanted["entryPoint"]),
            "memory": (service.get("availableMemory"), _memory(wanted["availableMemoryMb"])),
            "cpu": (service.get("availableCpu"), str(wanted["cpu"])),
            "concurrency": (service.get("maxInstanceRequestConcurrency"), wanted["concurrency"]),
            "timeout": (service.get("timeoutSeconds"), wanted["timeoutSeconds"]),
            "fewest instances": (service.get("minInstanceCount"), wanted["minInstances"]),
            "most instances": (service.get("maxInstanceCount"), wanted["maxInstances"]),
            "account": (service.get("serviceAccountEmail"), declared.account),
            "secrets": (secrets, [each["key"] for each in wanted["secretEnvironmentVariables"]]),
            # Hosting reaches a function over the public internet.
            "ingress": (service.get("ingressSettings", "ALLOW_ALL"), "ALLOW_ALL"),
        }
        for what, (found, expected) in pairs.items():
            yield from _same(f"{what} of {name}", found, expected)
        values = service["environmentVariables"]
        for key, value in declared.environment.items():
            yield from _same(f"{key} of {name}", values.get(key), value)


def _access(project: CloudProject, declared: Declared) -> Iterator[str]:
    account = f"serviceAccount:{declared.account}"
    secrets = set()
    for name, endpoint in declared.endpoints.items():
        member = "allUsers" if "httpsTrigger" in endpoint else account
        found = project.bindings.get(f"services/{name.replace('_', '-')}")
        wanted = [{"role": _CALLERS, "members": [member]}]
        yield from _same(f"who may call {name}", found, wanted)
        secrets |= {each["key"] for each in endpoint["secretEnvironmentVariables"]}
    for secret in sorted(secrets):
        wanted = [{"role": _READERS, "members": [account]}]
        yield from _same(
            f"who may read {secret}", project.bindings.get(f"secrets/{secret}"), wanted
        )


def _schedule(project: CloudProject, declared: Declared) -> Iterator[str]:
    wanted = declared.endpoints["reconcile"]
    job = project.jobs.get(f"{project.location}/jobs/firebase-schedule-reconcile-us-central1")
    if job is None:
        yield "no job of Cloud Scheduler calls reconcile"
        return
    url = project.functions.get(f"{project.location}/functions/reconcile", {}).get("url")
    token = {"serviceAccountEmail": declared.account}
    target = {"uri": url, "httpMethod": "POST", "oidcToken": token}
    yield from _same("the schedule", job["schedule"], wanted["scheduleTrigger"]["schedule"])
    yield from _same("its time zone", job["timeZone"], wanted["scheduleTrigger"]["timeZone"])
    yield from _same("its deadline", job["attemptDeadline"], f"{wanted['timeoutSeconds']}s")
    yield from _same("its target", job["httpTarget"], target)


def _source(project: CloudProject, declared: Declared) -> Iterator[str]:
    functions = declared.folder / "functions"
    kept_back = {declared.folder / name for name in DECOYS}
    files = {
        str(path.relative_to(functions))
        for path in functions.rglob("*")
        if path.is_file() and path not in kept_back and "migrate" not in path.parts
    }
    if not project.sources:
        yield "no source was uploaded"
        return
    content = list(project.sources.values())[-1]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield from _same("uploaded files", sorted(archive.namelist()), sorted(files))
    if len(content) > _SOURCE_LIMIT_BYTES:
        yield f"the uploaded source has {len(content)} bytes"


def _hosting(project: CloudProject, declared: Declared) -> Iterator[str]:
    config = project.released_site()
    if config is None:
        yield "Hosting was not released"
        return
    hosting = declared.json("firebase.json")["hosting"]
    rewrites = [
        {
            "glob": each["source"],
            "run": {
                "serviceId": each["function"]["functionId"].replace("_", "-"),
                "region": each["function"]["region"],
            },
        }
        for each in hosting["rewrites"]
    ]
    yield from _same("rewrites", config["rewrites"], rewrites)
    yield from _same("headers", len(config["headers"]), len(hosting["headers"]))
    site = declared.folder / "site"
    files = {f"/{path.relative_to(site)}" for path in site.rglob("*") if path.is_file()}
    version = project.hosting_versions[project.hosting_releases[-1]]
    yield from _same("files of the site", sorted(version["files"]), sorted(files))
    missing = set(version["files"].values()) - set(project.hosting_files)
    yield from _same("files without content", sorted(missing), [])


def _firestore(project: CloudProject, declared: Declared) -> Iterator[str]:
    wanted = declared.json("firestore.indexes.json")
    found = {_index(name, index) for name, index in project.indexes.items()}
    listed = {_index(f"/{index['collectionGroup']}/-/-", index) for index in wanted["indexes"]}
    for index in sorted(listed - found):
        yield f"index {index} is missing"
    ttl = {
        (field["collectionGroup"], field["fieldPath"])
        for field in wanted["fieldOverrides"]
        if field.get("ttl")
    }
    kept = {
        tuple(name.split("/")[-3::2])
        for name, field in project.fields.items()
        if "ttlConfig" in field
    }
    yield from _same("TTL fields", sorted(kept), sorted(ttl))
    yield from _same("field settings", len(project.fields), len(wanted["fieldOverrides"]))


def _rules(project: CloudProject, declared: Declared) -> Iterator[str]:
    for release, file in (
        ("cloud.firestore", "firestore.rules"),
        (f"firebase.storage/{project.bucket}", "storage.rules"),
    ):
        name = f"{project.name}/releases/{release}"
        ruleset = project.releases.get(name, {}).get("rulesetName")
        if ruleset is None:
            yield f"{file} is not in force"
            continue
        (source,) = project.rulesets[ruleset]["source"]["files"]
        yield from _same(file, source["content"], (declared.folder / file).read_text())


def _memory(size_mib: int) -> str:
    """The CLI writes more than a GiB in GiB."""
    return f"{size_mib / 1024:g}Gi" if size_mib > 1024 else f"{size_mib}Mi"


def _index(name: str, index: dict[str, Any]) -> str:
    fields = [field for field in index["fields"] if field["fieldPath"] != "__name__"]
    parts = [
        f"{field['fieldPath']} {field.get('order') or field.get('arrayConfig')}" for field in fields
    ]
    return f"{name.split('/')[-3]}: {', '.join(parts)} ({index['queryScope']})"


def _same(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found!r} instead of {wanted!r}"
