"""Scenarios in which a deploy must stop: early, with a clear reason, or with a way to go on."""

import copy
from collections.abc import Callable
from dataclasses import replace

from local.rehearsal import guide
from local.rehearsal.goes_live import prepare_later_version
from local.rehearsal.older import older
from local.rehearsal.stage import OWNER, PROJECT_ID, SECRETS, Stage, ci_caller

_ENABLE = "serviceusage.services.enable"
# What the CLI says of APIs that functions.yaml alone asks for. It does not name them.
_UNNAMED = {"iamcredentials.googleapis.com": "Must enable required APIs to deploy"}


def missing_secret(stage: Stage) -> None:
    """A secret that nobody made."""
    stage.project.secrets.discard(SECRETS[1])
    _stops_early(stage, SECRETS[1])


def no_database(stage: Stage) -> None:
    """No Firestore: the CLI makes one where it likes and then gives up."""
    stage.project.database = None
    _stops_early(stage, "Not found")


def no_bucket(stage: Stage) -> None:
    """Storage was not set up."""
    stage.project.bucket = None
    _stops_early(stage, "Firebase Storage has not been set up")


def no_account(stage: Stage) -> None:
    """The functions' account was not made: it ends before there is a function."""
    account = guide.runtime_account(PROJECT_ID)
    stage.project.service_accounts.discard(account)
    _stops_late(stage, account)
    stage.expect(not stage.project.functions, "functions were made")


def no_policy(stage: Stage) -> None:
    """A first deploy without --force; with it, it finishes."""
    command = guide.first_deploy(PROJECT_ID)
    stage.project.enabled |= guide.apis()
    _stops_late(stage, "could not set up cleanup policy", [w for w in command if w != "--force"])
    stage.expect(len(stage.project.functions) == len(stage.declared.endpoints), "functions lack")
    stage.deploy(command)
    stage.expect_declared()


def no_schedule(stage: Stage) -> None:
    """Refused by Cloud Scheduler: a plain deploy skips what was left undone, a repair does not."""
    command = guide.first_deploy(PROJECT_ID)
    _stops_late(stage, "Failed to create scheduler job", command, "cloudscheduler.jobs.create")
    stage.deploy(command)
    stage.expect(not stage.project.jobs, "a plain deploy mends it by now: docs/deploy.md is old")
    stage.deploy(guide.repair(PROJECT_ID))
    stage.expect_declared()


def no_public(stage: Stage) -> None:
    """An organisation that refuses allUsers; with an exception from it, repaired."""
    stage.project.domain_restricted = True
    _stops_late(stage, "organization policy that restricts Network Access")
    stage.project.domain_restricted = False
    stage.deploy(guide.repair(PROJECT_ID))
    stage.deploy(guide.first_deploy(PROJECT_ID))
    stage.expect_declared()


def ci_without(role: str) -> Callable[[Stage], None]:
    """The CI account without one of its roles: the deploy stops, or the role is not needed."""

    def play(stage: Stage) -> None:
        prepare_later_version(stage)
        run, _ = stage.deploy(guide.ci_deploy(PROJECT_ID), ci_caller(without=role))
        stage.expect(run.exit_code != 0, f"{role} is not needed")

    return play


def api_off(api: str) -> Callable[[Stage], None]:
    """One API is off, and the caller may not switch it on."""

    def play(stage: Stage) -> None:
        stage.project = older(stage.project)
        stage.project.enabled |= guide.apis()
        stage.project.enabled.discard(api)
        caller = replace(OWNER, denied=frozenset({_ENABLE}))
        before = copy.deepcopy(stage.project)
        run, _ = stage.deploy(guide.ci_deploy(PROJECT_ID), caller)
        _stopped(stage, run.exit_code, _UNNAMED.get(api, api))
        stage.expect_nothing_released(before)

    return play


def _stops_early(stage: Stage, reason: str) -> None:
    """The first deploy ends before anything goes live, and says why."""
    before = copy.deepcopy(stage.project)
    run, _ = stage.deploy(guide.first_deploy(PROJECT_ID))
    _stopped(stage, run.exit_code, reason)
    stage.expect_nothing_released(before)


def _stops_late(
    stage: Stage, reason: str, command: list[str] | None = None, denied: str | None = None
) -> None:
    """The first deploy ends after the rules and before the site, and says why."""
    caller = replace(OWNER, denied=frozenset({denied} if denied else ()))
    run, _ = stage.deploy(command or guide.first_deploy(PROJECT_ID), caller)
    _stopped(stage, run.exit_code, reason)
    stage.expect(not stage.project.hosting_releases, "Hosting was released")


def _stopped(stage: Stage, exit_code: int, reason: str) -> None:
    stage.expect(exit_code != 0, "it went through")
    stage.expect(reason in stage.runs[-1].output, f"it does not say: {reason}")
