from datetime import timedelta

import pytest

from voxshelf.settings import ConfigurationError, Settings

REAL = {
    "GCLOUD_PROJECT": "shelf-1",
    "FIREBASE_CONFIG": '{"projectId": "shelf-1", "storageBucket": "shelf-1.firebasestorage.app"}',
    "PAGE_TOKEN_KEY": "secret",
}


def test_the_bucket_is_the_configured_one_and_never_built_from_a_name():
    settings = Settings.read(REAL)
    assert settings.bucket_name == "shelf-1.firebasestorage.app"
    assert settings.download_base_url == "https://firebasestorage.googleapis.com"


def test_a_demo_project_plays_from_the_emulator():
    environ = {
        **REAL,
        "GCLOUD_PROJECT": "demo-x",
        "FIREBASE_STORAGE_EMULATOR_HOST": "127.0.0.1:9199",
    }
    assert Settings.read(environ).download_base_url == "http://127.0.0.1:9199"


@pytest.mark.parametrize(
    "name",
    [
        "FIREBASE_AUTH_EMULATOR_HOST",
        "FIRESTORE_EMULATOR_HOST",
        "FIREBASE_STORAGE_EMULATOR_HOST",
        "STORAGE_EMULATOR_HOST",
    ],
)
def test_emulators_on_a_real_project_are_refused(name):
    with pytest.raises(ConfigurationError, match=name):
        Settings.read({**REAL, name: "127.0.0.1:1"})


@pytest.mark.parametrize("missing", ["GCLOUD_PROJECT", "FIREBASE_CONFIG", "PAGE_TOKEN_KEY"])
def test_what_is_missing_is_named(missing):
    environ = {name: value for name, value in REAL.items() if name != missing}
    if missing == "GCLOUD_PROJECT":
        environ["FIREBASE_CONFIG"] = '{"storageBucket": "b"}'
    with pytest.raises(ConfigurationError, match=missing):
        Settings.read(environ)


def test_origins_are_a_list_and_never_a_wildcard():
    listed = Settings.read({**REAL, "ALLOWED_ORIGINS": " https://a.example/, http://b.example "})
    assert listed.allowed_origins == {"https://a.example", "http://b.example"}
    with pytest.raises(ConfigurationError):
        Settings.read({**REAL, "ALLOWED_ORIGINS": "https://a.example,*"})


EMULATORS = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080"}


@pytest.mark.parametrize(
    ("changed", "is_local"),
    [
        ({}, False),
        ({"GCLOUD_PROJECT": "demo-x"}, False),
        ({"GCLOUD_PROJECT": "demo-x", "FIRESTORE_EMULATOR_HOST": ""}, False),
        ({"GCLOUD_PROJECT": "demo-x", **EMULATORS}, True),
        ({"GOOGLE_CLOUD_PROJECT": "demo-x", **EMULATORS}, True),
    ],
    ids=["a real project", "no emulator", "an empty variable", "the stack", "the other name"],
)
def test_local_is_a_demo_project_on_emulators_and_nothing_else(changed, is_local):
    assert Settings.read({**REAL, **changed}).is_local is is_local


def test_the_cache_is_small_unless_told_otherwise_and_can_be_switched_off():
    assert Settings.read(REAL).cache_bytes == 64 * 1024**2
    assert Settings.read({**REAL, "CACHE_MB": "0"}).cache_bytes == 0


def test_what_is_deleted_can_be_restored_for_a_day():
    assert Settings.read(REAL).policy.undo_for == timedelta(days=1)
    assert Settings.read({**REAL, "UNDO_FOR_S": "2"}).policy.undo_for == timedelta(seconds=2)


def test_the_budget_of_bytes_fits_beside_the_rest_of_an_instance():
    mib = 1024**2
    settings = Settings.read(REAL)
    assert settings.budget_bytes == 448 * mib
    # Two of the largest files, and less than what functions.yaml gives.
    assert 2 * 200 * mib <= settings.budget_bytes <= (1024 - 152 - 40 - 64 - 8) * mib
    assert settings.budget_bytes + settings.cache_bytes <= 1024 * mib * 0.6
    assert Settings.read({**REAL, "BUDGET_MB": "40"}).budget_bytes == 40 * mib
