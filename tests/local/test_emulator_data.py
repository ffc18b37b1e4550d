"""Only a whole export of a stack that had come up replaces the data before it."""

import json
import os
from pathlib import Path

import pytest

from local.emulator_data import DataInUse, EmulatorData, opened


def export(folder: Path, *, without: str = "") -> None:
    """Write what firebase-tools exports, as far as it is looked at."""
    for part in ("auth_export", "firestore_export", "storage_export"):
        (folder / part).mkdir(parents=True)
    (folder / "auth_export" / "accounts.json").write_text("{}")
    (folder / "firestore_export" / "overall").write_text("")
    metadata = {
        "auth": {"path": "auth_export"},
        "firestore": {"path": "firestore_export", "metadata_file": "firestore_export/overall"},
        "storage": {"path": "storage_export"},
    }
    metadata.pop(without, None)
    (folder / "firebase-export-metadata.json").write_text(json.dumps(metadata))


def saved(folder: Path) -> Path:
    """Export once, as a run of `make dev` does that went well."""
    data = EmulatorData(folder)
    data.trust_next()
    export(data.next)
    return data.next


def test_first_start_has_nothing_to_import(tmp_path: Path) -> None:
    assert EmulatorData(tmp_path).latest() is None


def test_next_start_imports_the_newest_export(tmp_path: Path) -> None:
    saved(tmp_path)
    newest = saved(tmp_path)

    assert EmulatorData(tmp_path).latest() == newest


@pytest.mark.parametrize("missing", ["auth", "firestore", "storage"])
def test_export_without_one_emulator_replaces_nothing(tmp_path: Path, missing: str) -> None:
    good = saved(tmp_path)
    data = EmulatorData(tmp_path)
    data.trust_next()
    export(data.next, without=missing)

    assert EmulatorData(tmp_path).latest() == good


def test_export_with_a_broken_file_replaces_nothing(tmp_path: Path) -> None:
    good, broken = saved(tmp_path), saved(tmp_path)
    (broken / "auth_export" / "accounts.json").write_text('{"users": [')

    assert EmulatorData(tmp_path).latest() == good


def test_export_of_a_stack_that_had_not_come_up_replaces_nothing(tmp_path: Path) -> None:
    good = saved(tmp_path)
    export(EmulatorData(tmp_path).next)

    assert EmulatorData(tmp_path).latest() == good


def test_empty_folder_of_an_aborted_export_replaces_nothing(tmp_path: Path) -> None:
    good = saved(tmp_path)
    data = EmulatorData(tmp_path)
    data.trust_next()
    data.next.mkdir()

    assert EmulatorData(tmp_path).latest() == good


def test_number_of_an_aborted_export_is_not_used_again(tmp_path: Path) -> None:
    data = EmulatorData(tmp_path)
    data.trust_next()

    assert EmulatorData(tmp_path).next != data.next


def test_tidying_keeps_the_good_export_alone(tmp_path: Path) -> None:
    saved(tmp_path)
    good = saved(tmp_path)
    (tmp_path / "export-000009").mkdir()

    EmulatorData(tmp_path).keep_only(good)

    assert {path.name for path in tmp_path.iterdir()} == {good.name, f"{good.name}.ready"}
    assert EmulatorData(tmp_path).latest() == good


def test_clean_start_forgets_everything(tmp_path: Path) -> None:
    saved(tmp_path)

    EmulatorData(tmp_path).keep_only(None)

    assert EmulatorData(tmp_path).latest() is None


def test_second_stack_on_the_same_data_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(DataInUse, match=str(os.getpid())), opened(tmp_path):
        pass


def test_data_can_be_opened_again_after_a_run(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path) as data:
            assert data.latest() is None
