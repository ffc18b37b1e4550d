"""`CloudStorageObjects` against a server that honours preconditions."""

import gzip
import io
import subprocess
import sys
from urllib.parse import quote

import pytest

from tests.contracts.object_store_contract import CreateOnlyContract
from tests.storage.lines import ChangingLine, DamagingLine, losing_line
from voxshelf.adapters.cloud_storage_objects import CloudStorageObjects
from voxshelf.adapters.iam_signer import EmulatedSigner
from voxshelf.adapters.signed_urls import SignedUrls
from voxshelf.adapters.storage_api import StorageApi, storage_session
from voxshelf.core.errors import Unavailable


class TestCloudStorageObjectsWithPreconditions(CreateOnlyContract):
    @pytest.fixture
    def api(self, gcs_url, bucket_name):
        with storage_session(emulated=True) as session:
            yield StorageApi(session, gcs_url, bucket_name)

    @pytest.fixture
    def store(self, api):
        return CloudStorageObjects(api)

    @pytest.fixture
    def read(self, gcs_url, bucket_name, http):
        def read(path):
            url = f"{gcs_url}/storage/v1/b/{bucket_name}/o/{quote(path, safe='')}"
            answer = http.get(url, params={"alt": "media"}, timeout=10)
            return None if answer.status_code == 404 else answer.content

        return read

    def test_a_listing_of_many_pages_is_complete_and_repeats_nothing(self, store, api):
        paths = [f"uploads/u/{number:03}.wav" for number in range(25)]
        store.begin([self._new(path=path) for path in paths]).finish()
        for page_size in (1, 7, 25, 1000):
            assert [found["name"] for found in api.names("uploads/", page_size)] == paths

    def test_a_lost_answer_is_tried_again_and_its_412_is_success(self, gcs_url, bucket_name, read):
        new = self._new()
        with storage_session(emulated=True) as session:
            line = losing_line(session, gcs_url, "POST")
            CloudStorageObjects(StorageApi(session, gcs_url, bucket_name)).begin([new]).finish()
        assert line.statuses == [("POST", 200), ("POST", 412), ("GET", 200)]
        assert read(new.path) == b"RIFF bytes"

    def test_a_412_whose_check_is_lost_too_is_still_success(self, gcs_url, bucket_name, read):
        new = self._new()
        with storage_session(emulated=True) as session:
            line = losing_line(session, gcs_url, "POST", "POST", "GET")
            CloudStorageObjects(StorageApi(session, gcs_url, bucket_name)).begin([new]).finish()
        assert [status for _, status in line.statuses] == [200, 412, 412, 200, 200]
        assert read(new.path) == b"RIFF bytes"

    def test_a_lost_answer_to_a_delete_is_success(self, store, gcs_url, bucket_name, read):
        new = self._new()
        store.begin([new]).finish()
        with storage_session(emulated=True) as session:
            line = losing_line(session, gcs_url, "DELETE")
            CloudStorageObjects(StorageApi(session, gcs_url, bucket_name)).delete([new.path])
        assert [status for _, status in line.statuses] == [200, 404]
        assert read(new.path) is None

    def test_bytes_damaged_on_the_way_are_not_taken_for_stored(self, gcs_url, bucket_name):
        new = self._new(b"RIFF" + bytes(300_000))
        with storage_session(emulated=True) as session:
            session.mount(gcs_url, DamagingLine())
            store = CloudStorageObjects(StorageApi(session, gcs_url, bucket_name))
            with pytest.raises(Unavailable):
                store.begin([new]).finish()

    def test_a_retry_after_damage_is_refused_not_taken_for_equal(self, api, gcs_url, bucket_name):
        new = self._new(b"RIFF" + bytes(300_000))
        with storage_session(emulated=True) as session:
            session.mount(gcs_url, DamagingLine())
            with pytest.raises(Unavailable):
                CloudStorageObjects(StorageApi(session, gcs_url, bucket_name)).begin([new]).finish()
        with pytest.raises(Unavailable):
            CloudStorageObjects(api).begin([new]).finish()

    def test_the_store_is_asked_to_keep_what_came_between_the_look_and_the_removal(
        self, store, gcs_url, bucket_name, read
    ):
        # This server ignores the condition of a removal, which Cloud Storage refuses by 412.
        new = self._new()
        store.begin([new]).finish()
        generation = store.stat(new.path).generation
        with storage_session(emulated=True) as session:
            line = ChangingLine()
            session.mount(gcs_url, line)
            late = CloudStorageObjects(StorageApi(session, gcs_url, bucket_name))
            late.delete_generation(new.path, generation)
        assert line.asked == [f"ifGenerationMatch={generation}"]
        assert read(new.path) == b"RIFF bytes"

    def test_without_a_token_none_is_written_and_a_retry_is_still_success(self, store, api):
        new = self._new(token="")
        store.begin([new]).finish()
        store.begin([new]).finish()
        assert api.resource(new.path)["metadata"] == {"sha256": new.content.sha256}

    def test_a_signed_url_names_the_object_as_cloud_storage_reads_it(
        self, store, gcs_url, bucket_name, http
    ):
        new = self._new(b"0123456789", path="voice_samples/u/ж & + #?%20~'(x)_音.wav", token="")
        store.begin([new]).finish()
        # This server reads the path, but checks no signature: see test_signed_urls.
        url = SignedUrls(gcs_url, bucket_name, EmulatedSigner()).url(new.path, "")
        answer = http.get(url, headers={"Range": "bytes=2-4"}, timeout=10)
        assert (answer.status_code, answer.content) == (206, b"234")
        assert answer.headers["Content-Type"] == "audio/wav"

    def test_what_was_stored_compressed_is_downloaded_as_it_is(
        self, store, gcs_url, bucket_name, http
    ):
        bomb = gzip.compress(bytes(10_000_000))
        query = {"uploadType": "media", "name": "uploads/u/bomb", "contentEncoding": "gzip"}
        url = f"{gcs_url}/upload/storage/v1/b/{bucket_name}/o"
        http.post(url, params=query, data=bomb, timeout=10).raise_for_status()
        into = io.BytesIO()
        store.download("uploads/u/bomb", into)
        assert into.getvalue() == bomb

    @pytest.mark.skipif(sys.platform == "win32", reason="needs getrusage")
    def test_sixty_four_megabytes_pass_both_ways_in_flat_memory(self, gcs_url, bucket_name):
        run = subprocess.run(
            [sys.executable, "-c", BIG_OBJECT, gcs_url, bucket_name],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        grown_kib = int(run.stdout)
        print(f"64 MiB up and down: +{grown_kib} KiB")
        assert grown_kib < 8 * 1024


# A first small object loads all code and buffers; the peak must hardly move after it.
BIG_OBJECT = """
import resource, sys, tempfile
from tests.contracts.object_store_contract import ObjectStoreContract
from tests.storage.big_content import big_content
from voxshelf.adapters.cloud_storage_objects import CloudStorageObjects
from voxshelf.adapters.storage_api import StorageApi, storage_session

store = CloudStorageObjects(StorageApi(storage_session(emulated=True), *sys.argv[1:]))

def there_and_back(size_bytes):
    content = big_content(size_bytes)
    new = ObjectStoreContract()._new(content=content)
    store.begin([new]).finish()
    with tempfile.TemporaryFile() as into:
        store.download(new.path, into)
        assert into.tell() == size_bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = there_and_back(1 << 20)
print(there_and_back(64 << 20) - before)
"""
