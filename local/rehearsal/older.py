"""Projects that run older versions."""

import copy

from local.rehearsal.project import DEFAULT_ACCOUNT, CloudProject

_OLD_FUNCTIONS = ("library", "tts_save", "voices_save")


def older(deployed: CloudProject) -> CloudProject:
    """Before RunPod's functions: the next deploy adds functions, a schedule, a secret and a TTL.

    So it makes every kind of call that a deploy can make but the first.
    """
    project = copy.deepcopy(deployed)
    services = [f"services/{name.replace('_', '-')}" for name in _OLD_FUNCTIONS]
    kept = {*services, "secrets/PAGE_TOKEN_KEY"}
    project.functions = {
        name: function
        for name, function in project.functions.items()
        if name.rsplit("/", 1)[-1] in _OLD_FUNCTIONS
    }
    project.bindings = {name: each for name, each in project.bindings.items() if name in kept}
    project.jobs.clear()
    project.enabled.discard("cloudscheduler.googleapis.com")
    project.fields = {n: each for n, each in project.fields.items() if "ttlConfig" not in each}
    for ruleset in project.rulesets.values():
        ruleset["source"]["files"][0]["content"] = "// older\n"
    return project


def with_default_account(deployed: CloudProject) -> CloudProject:
    """Before the functions had an account of their own."""
    project = copy.deepcopy(deployed)
    for function in project.functions.values():
        function["serviceConfig"]["serviceAccountEmail"] = DEFAULT_ACCOUNT
    for job in project.jobs.values():
        job["timeZone"] = "UTC"
        job["httpTarget"]["oidcToken"]["serviceAccountEmail"] = DEFAULT_ACCOUNT
    for bindings in project.bindings.values():
        for binding in bindings:
            if binding["members"] != ["allUsers"]:
                binding["members"] = [f"serviceAccount:{DEFAULT_ACCOUNT}"]
    return project
