"""Scenarios that must go live: by the owner the first time, by the CI account afterwards."""

import copy

from local.rehearsal import checkout, guide
from local.rehearsal.older import older, with_default_account
from local.rehearsal.project import ALWAYS_ON, DEFAULT_ACCOUNT
from local.rehearsal.protocol import Caller
from local.rehearsal.stage import OWNER, PROJECT_ID, SECRETS, Stage, ci_caller

_FUNCTIONS = "cloudfunctions.googleapis.com"
# What a deploy of the same again leaves as it is.
_UNTOUCHED = ("functions", "sources", "indexes", "fields", "rulesets", "jobs", "bindings")


def first_deploy(stage: Stage) -> None:
    """The documented first deploy: APIs off, no clean-up policy, nothing there."""
    _deploys(stage, guide.first_deploy(PROJECT_ID))
    listed = stage.declared.json("firestore.indexes.json")["indexes"]
    stage.expect(len(stage.project.indexes) == len(listed), "indexes that are not declared")
    policies = (stage.project.repository or {}).get("cleanupPolicies")
    stage.expect(bool(policies), "no clean-up policy was set")
    off = stage.declared.required_apis - stage.project.enabled
    stage.expect(not off, f"APIs of functions.yaml that are off: {sorted(off)}")
    unnamed = stage.project.enabled - guide.apis() - ALWAYS_ON
    stage.expect(not unnamed, f"needed APIs that docs/deploy.md does not name: {sorted(unnamed)}")


def nothing_changed(stage: Stage) -> None:
    """The same again: every function is skipped, nothing is uploaded or built."""
    before = copy.deepcopy(stage.project)
    _deploys_as_ci(stage)
    skipped = stage.runs[-1].output.count("Skipped (No changes detected)")
    stage.expect(skipped == len(before.functions), f"{skipped} functions were skipped")
    to_functions = [call for call in stage.calls if call.host == _FUNCTIONS]
    stage.expect(all(call.method == "GET" for call in to_functions), "functions were touched")
    for name in (*_UNTOUCHED, "hosting_files"):
        stage.expect(getattr(stage.project, name) == getattr(before, name), f"{name} changed")


def changed_index(stage: Stage) -> None:
    """Another index: it is made, the old one stays until somebody says otherwise."""
    before = copy.deepcopy(stage.project)
    checkout.change_index(stage.checkout)
    _deploys_as_ci(stage)
    new = stage.project.indexes.keys() - before.indexes.keys()
    stage.expect(len(new) == 1, f"{len(new)} new indexes instead of 1")
    stage.expect(before.indexes.keys() <= stage.project.indexes.keys(), "an index was removed")
    stage.expect(stage.project.functions == before.functions, "functions changed")


def ci(stage: Stage) -> None:
    """A later version with new functions, a schedule, a secret, an index and a TTL."""
    prepare_later_version(stage)
    _deploys_as_ci(stage)


def default_account(stage: Stage) -> None:
    """A project whose functions ran as the default account: all of it moves to the new one."""
    stage.project = with_default_account(stage.project)
    checkout.change_source(stage.checkout)
    stage.deploy(guide.ci_deploy(PROJECT_ID), ci_caller())
    for secret in SECRETS:
        (binding,) = stage.project.bindings[f"secrets/{secret}"]
        # docs/deploy.md says how to take it away from the default account.
        binding["members"].remove(f"serviceAccount:{DEFAULT_ACCOUNT}")
    stage.expect_declared()


def prepare_later_version(stage: Stage) -> None:
    """Have the project run the version before, so that a deploy makes every kind of call."""
    stage.project = older(stage.project)
    checkout.change_source(stage.checkout)
    checkout.change_index(stage.checkout)


def _deploys(stage: Stage, command: list[str], caller: Caller = OWNER) -> None:
    run, _ = stage.deploy(command, caller)
    stage.expect(run.exit_code == 0, f"exit code {run.exit_code}")
    stage.expect_declared()


def _deploys_as_ci(stage: Stage) -> None:
    _deploys(stage, guide.ci_deploy(PROJECT_ID), ci_caller())
    for call in stage.calls:
        stage.expect(not call.lacking, f"refused for lack of {call.lacking}: {call}")
