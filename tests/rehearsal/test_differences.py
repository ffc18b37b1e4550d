"""What a deploy got wrong is found: each fault planted into a deployed project is named."""

import copy
import io
import zipfile

import pytest

from local.rehearsal import checkout, guide
from local.rehearsal.declared import Declared
from local.rehearsal.differences import differences
from local.rehearsal.project import REGION
from local.rehearsal.stage import PROJECT_ID, SETTINGS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    folder = checkout.make_checkout(tmp_path_factory.mktemp("a") / "b", PROJECT_ID, SETTINGS)
    return Declared(folder, PROJECT_ID, guide.runtime_account(PROJECT_ID))


def function(project, name):
    return project.functions[f"projects/{PROJECT_ID}/locations/{REGION}/functions/{name}"]


def less_memory(project):
    function(project, "library")["serviceConfig"]["availableMemory"] = "256Mi"


def default_setting(project):
    function(project, "jobs")["serviceConfig"]["environmentVariables"]["MAX_VOICES"] = "100"


def missing_function(project):
    project.functions.popitem()


def no_secret(project):
    function(project, "tts_save")["serviceConfig"]["secretEnvironmentVariables"] = []


def private_api(project):
    project.bindings["services/voices-save"] = []


def public_reconcile(project):
    project.bindings["services/reconcile"] = project.bindings["services/jobs"]


def unreadable_secret(project):
    del project.bindings["secrets/PAGE_TOKEN_KEY"]


def no_schedule(project):
    project.jobs.clear()


def other_schedule(project):
    next(iter(project.jobs.values()))["schedule"] = "every 24 hours"


def lost_rewrite(project):
    project.released_site()["rewrites"].pop()


def no_release(project):
    project.hosting_releases.clear()


def lost_index(project):
    project.indexes.popitem()


def no_ttl(project):
    for settings in project.fields.values():
        settings.pop("ttlConfig", None)


def old_rules(project):
    for ruleset in project.rulesets.values():
        ruleset["source"]["files"][0]["content"] = ""


def more_files(project):
    project.sources = {"source.zip": with_file(next(reversed(project.sources.values())))}


def with_file(archive):
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.writestr("venv/lib/numpy.py", "")
    return buffer.getvalue()


FAULTS = [
    (less_memory, "memory of library"),
    (default_setting, "MAX_VOICES of jobs"),
    (missing_function, "functions: "),
    (no_secret, "secrets of tts_save"),
    (private_api, "who may call voices_save"),
    (public_reconcile, "who may call reconcile"),
    (unreadable_secret, "who may read PAGE_TOKEN_KEY"),
    (no_schedule, "no job of Cloud Scheduler calls reconcile"),
    (other_schedule, "the schedule"),
    (lost_rewrite, "rewrites"),
    (no_release, "Hosting was not released"),
    (lost_index, "index "),
    (no_ttl, "TTL fields"),
    (old_rules, "storage.rules"),
    (more_files, "uploaded files"),
]


def test_a_project_that_is_as_declared_has_no_differences(deployed, declared):
    assert differences(deployed, declared) == []


@pytest.mark.parametrize(("plant", "named"), FAULTS, ids=[plant.__name__ for plant, _ in FAULTS])
def test_a_fault_is_named(deployed, declared, plant, named):
    project = copy.deepcopy(deployed)
    plant(project)
    assert [text for text in differences(project, declared) if text.startswith(named)]
