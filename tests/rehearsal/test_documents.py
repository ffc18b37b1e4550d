"""docs/deploy.md and the workflow say what is true and what was rehearsed."""

import json
import re
from pathlib import Path

import pytest
import yaml

from local.rehearsal import guide
from local.rehearsal.roles import ROLES

ROOT = Path(__file__).parents[2]
GUIDE = guide.DEPLOY_GUIDE.read_text()
WORKFLOW = yaml.safe_load(guide.WORKFLOW.read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
ACTIONS = [step["uses"] for step in STEPS if "uses" in step]
COMMANDS = [step["run"] for step in STEPS if "run" in step]
DEPLOY_STEPS = WORKFLOW["jobs"]["deploy"]["steps"]


def test_the_roles_of_ci_are_those_that_are_rehearsed():
    documented = [role.role for role in guide.ci_roles()]
    assert set(documented) == set(ROLES), "each is rehearsed with and without: see stops.ci_without"
    assert len(documented) == len(set(documented))


def test_the_commands_grant_ci_exactly_the_roles_of_the_table():
    block = re.search(r"^DEPLOY=.*?^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
    (listed,) = re.findall(r"for role in (.*?); do", block, re.DOTALL)
    for_project = {f"roles/{name}" for name in listed.replace("\\", " ").split()}
    on_secrets = set(re.findall(r"--role=(roles/secretmanager\.\w+)", block))
    roles = guide.ci_roles()
    assert for_project == {each.role for each in roles if not each.on_secrets_only}
    assert on_secrets == {each.role for each in roles if each.on_secrets_only}


def test_the_account_that_the_guide_makes_is_the_one_that_functions_run_as():
    manifest = yaml.safe_load((ROOT / "functions" / "functions.yaml").read_text())
    accounts = {each["serviceAccount"] for each in manifest["endpoints"].values()}
    assert accounts == {guide.runtime_account("{{ params.PROJECT_ID }}")}


@pytest.mark.parametrize(
    "role",
    [
        "roles/datastore.user",
        "roles/storage.objectUser",
        "roles/logging.logWriter",
        "roles/cloudbuild.builds.builder",
        "roles/iam.serviceAccountTokenCreator",
        "roles/firebaseauth.viewer",
    ],
)
def test_the_guide_grants_what_the_running_functions_need(role):
    assert f"--role={role}" in GUIDE


def test_the_guide_gives_storage_the_role_that_the_cli_gives_it_in_a_terminal():
    # Without one, as in every rehearsal and from CI, the CLI does nothing of it.
    cli = (ROOT / "node_modules" / "firebase-tools" / "lib" / "rulesDeploy.js").read_text()
    (role,) = re.findall(r'CROSS_SERVICE_RULES_ROLE = "(.*?)"', cli)
    (account,) = re.findall(r"`service-\$\{projectNumber\}@(.*?)`", cli)
    block = re.search(r"^STORAGE=.*?^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
    assert f"@{account}\n" in block
    assert f"--role={role} " in block
    assert "firestore.get" in (ROOT / "storage.rules").read_text()


def test_only_the_first_deploy_is_forced():
    assert "--force" in guide.first_deploy("p")
    assert "--force" not in guide.repair("p")
    assert "--force" not in guide.ci_deploy("p")
    assert "--non-interactive" in guide.ci_deploy("p")


def test_the_guide_names_every_variable_of_the_workflow_and_no_other():
    used = set(re.findall(r"vars\.(\w+)", guide.WORKFLOW.read_text()))
    assert used == set(
        re.findall(r"^\| `([A-Z_]+)` \| (?!none|false|token|\d)", GUIDE, re.MULTILINE)
    )


def test_a_run_never_races_another_and_a_deploy_is_never_cut_off():
    concurrency = WORKFLOW["concurrency"]
    assert "github.ref" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_pinned_by_commit(action):
    assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_a_pin_says_which_version_it_is():
    lines = [line for line in guide.WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert lines
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_value_is_pasted_into_a_shell_line(command):
    assert "${{" not in command


def test_checkouts_leave_no_credentials_behind():
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_only_the_deploy_may_sign_in_and_it_does_so_after_its_settings_were_checked():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    order = [step.get("run") or step["uses"] for step in DEPLOY_STEPS]
    signs_in = next(place for place, step in enumerate(order) if "google-github" in step)
    assert order.index("make settings") < signs_in < len(order) - 1


def test_the_bucket_lets_other_origins_read_what_a_download_says_about_itself():
    (rule,) = json.loads((ROOT / "storage.cors.json").read_text())
    assert {"Accept-Ranges", "Content-Disposition", "Content-Range"} <= set(rule["responseHeader"])
    assert "*" not in rule["origin"]
