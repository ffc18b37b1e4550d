import io
import os
import secrets
import shutil
import subprocess
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.contracts.object_store_contract import ObjectStoreContract
from voxshelf.adapters.cloud_storage_objects import CloudStorageObjects
from voxshelf.adapters.iam_signer import EmulatedSigner
from voxshelf.adapters.signed_urls import SignedUrls
from voxshelf.adapters.storage_api import StorageApi, storage_session
from voxshelf.adapters.token_urls import TokenUrls
from voxshelf.core.file_names import disposition

pytestmark = pytest.mark.emulator


class TestCloudStorageObjects(ObjectStoreContract):
    @pytest.fixture
    def store(self, bucket):
        base_url = f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}"
        with storage_session(emulated=True) as session:
            yield CloudStorageObjects(StorageApi(session, base_url, bucket.name))

    @pytest.fixture
    def read(self, bucket):
        def read(path):
            blob = bucket.get_blob(path)
            return None if blob is None else blob.download_as_bytes()

        return read

    def test_an_object_carries_all_its_metadata_from_the_start(self, store, bucket):
        new = self._new(content_type="application/octet-stream", disposition="attachment")
        store.begin([new]).finish()
        blob = bucket.get_blob(new.path)
        assert blob.content_type == "application/octet-stream"
        assert blob.content_disposition == "attachment"
        assert blob.cache_control == "private, max-age=31536000, immutable"
        assert blob.metadata["sha256"] == new.content.sha256
        assert blob.metadata["firebaseStorageDownloadTokens"] == "token-1"

    def test_a_token_url_serves_the_bytes_and_ranges_of_them(self, store, bucket):
        new = self._new(b"0123456789")
        store.begin([new]).finish()
        host = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        url = TokenUrls(f"http://{host}", bucket.name).url(new.path, new.token)
        with urlopen(url, timeout=10) as whole:
            assert whole.read() == b"0123456789"
            assert whole.headers["Content-Type"] == "audio/wav"
        with urlopen(Request(url, headers={"Range": "bytes=2-4"}), timeout=10) as part:
            assert (part.status, part.read()) == (206, b"234")

    @pytest.mark.parametrize("name", ["Ada sample.wav", 'राम "音".wav'], ids=["ASCII", "others"])
    def test_whoever_keeps_a_file_gets_a_name_that_he_knows(self, store, bucket, tmp_path, name):
        kept_as = disposition("inline", name)
        new = self._new(b"0123456789", disposition=kept_as)
        store.begin([new]).finish()
        base_url = f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}"
        for urls in (
            TokenUrls(base_url, bucket.name),
            SignedUrls(base_url, bucket.name, EmulatedSigner()),
        ):
            with urlopen(urls.url(new.path, new.token), timeout=10) as answer:
                # The emulator adds a name of its own, in a form that no client reads.
                assert answer.headers["Content-Disposition"].startswith(kept_as)
        if curl := shutil.which("curl"):
            url = TokenUrls(base_url, bucket.name).url(new.path, new.token)
            command = [curl, "--silent", "--fail", "--noproxy", "*", "-OJ", url]
            subprocess.run(command, cwd=tmp_path, check=True, timeout=20)
            (file,) = tmp_path.iterdir()
            # curl reads the plain name alone.
            assert f'filename="{file.name}"' in kept_as

    def test_a_direct_upload_is_listed_measured_and_downloaded(self, store, bucket):
        host = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        folder = f"uploads/u{secrets.token_hex(4)}"
        name = quote(f"{folder}/take 1.wav", safe="")
        data = secrets.token_bytes(700_001)
        # As the Web SDK does it; "owner" is the administrator whom rules do not bind.
        upload = Request(
            f"http://{host}/v0/b/{bucket.name}/o?name={name}",
            data,
            {"Authorization": "Bearer owner", "Content-Type": "audio/wav"},
        )
        urlopen(upload, timeout=10).close()
        (listed,) = store.names(f"{folder}/")
        assert store.size(listed.path) == 700_001
        into = io.BytesIO()
        store.download(listed.path, into)
        assert into.getvalue() == data

    def test_an_object_without_a_token_plays_by_signed_url_only(self, store, bucket):
        new = self._new(b"0123456789", token="")
        store.begin([new]).finish()
        base_url = f"http://{os.environ['FIREBASE_STORAGE_EMULATOR_HOST']}"
        signed = SignedUrls(base_url, bucket.name, EmulatedSigner()).url(new.path, new.token)
        with urlopen(Request(signed, headers={"Range": "bytes=2-4"}), timeout=10) as part:
            assert (part.status, part.read()) == (206, b"234")
        by_token = TokenUrls(base_url, bucket.name).url(new.path, "")
        with pytest.raises(HTTPError) as denied:
            urlopen(by_token, timeout=10)
        denied.value.close()
        assert denied.value.code == 403
