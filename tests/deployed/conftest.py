"""All functions, deployed once for all tests of this folder."""

import os
import secrets
from contextlib import ExitStack

import pytest

from benchmarks.servers import Backends
from local.api_client import ApiClient
from local.auth_emulator import sign_up
from local.layout import state_folder
from local.runpod.process import running
from tests.deployed.instance import Instance
from tests.deployed.layer import installed_layer
from tests.deployed.platform_environ import Platform, endpoints
from tests.deployed.site import serving_site
from tests.deployed.upload import uploaded


@pytest.fixture(scope="package")
def layer():
    return installed_layer(state_folder(os.environ), os.environ)


@pytest.fixture(scope="package")
def backends():
    return Backends.read(os.environ)


@pytest.fixture(scope="package")
def upload(backends, tmp_path_factory):
    return uploaded(backends.project, tmp_path_factory.mktemp("upload"))


@pytest.fixture(scope="package")
def runpod():
    with running() as stand_in:
        yield stand_in


@pytest.fixture(scope="package")
def instances():
    """The running instances by the function's name; those that `platform` serves fill it."""
    return {}


@pytest.fixture(scope="package")
def site_url(instances):
    with serving_site(lambda name: instances[name].url) as url:
        yield url


@pytest.fixture(scope="package")
def platform(layer, upload, backends, runpod, site_url, tmp_path_factory):
    tmp = tmp_path_factory.mktemp("tmp")
    tmp.chmod(0o1777)
    # What a project that uses RunPod writes into .env.<project id>.
    own = {
        "PUBLIC_BASE_URL": site_url,
        "RUNPOD_BASE_URL": runpod.base_url,
        "RUNPOD_CLONE_ENDPOINT": "clone",
        "RUNPOD_SPEECH_ENDPOINT": "speech",
    }
    keys = {"PAGE_TOKEN_KEY": secrets.token_urlsafe(32), "RUNPOD_API_KEY": runpod.key}
    return Platform(layer, {**upload.variables, **own}, keys, backends, tmp)


@pytest.fixture(scope="package")
def start(platform, upload, tmp_path_factory):
    """Return a function that starts an instance; it ends with the tests, however they end."""
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as resources:

        def started(name, source=upload.source):
            log = logs / f"{name}-{secrets.token_hex(4)}.log"
            instance = Instance(platform, name, source, log)
            resources.callback(instance.close)
            return instance

        yield started


@pytest.fixture(scope="package")
def deployed(start, upload, instances):
    """All functions of functions.yaml, by name, each listening."""
    instances.update({name: start(name) for name in endpoints(upload.source)})
    for instance in instances.values():
        instance.ready()
    return instances


@pytest.fixture(scope="package")
def user(backends):
    email = f"deployed-{secrets.token_hex(6)}@voxshelf.example"
    return sign_up(backends.auth, email, secrets.token_urlsafe(16))


@pytest.fixture(scope="package")
def api(deployed, site_url, user):
    """A client of all functions, signed in."""
    with ApiClient(site_url, user.id_token) as client:
        yield client
