"""The emulators, as the functions and the tests reach them."""

import json
import os

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage


@pytest.fixture(scope="session")
def firestore_client():
    client = firestore.Client(project=os.environ["GCLOUD_PROJECT"])
    yield client
    client.close()


@pytest.fixture(scope="session")
def bucket():
    project = os.environ["GCLOUD_PROJECT"]
    # emulators:exec passes hosts, but no FIREBASE_CONFIG as the functions get it.
    config = json.loads(os.environ.get("FIREBASE_CONFIG", "{}"))
    name = config.get("storageBucket") or f"{project}.appspot.com"
    with storage.Client(project=project, credentials=AnonymousCredentials()) as client:
        yield client.bucket(name)
