from datetime import timedelta

import pytest

from tests.contracts.requests_contract import ANSWER, RequestsContract, asked
from voxshelf.adapters.firestore_requests import FirestoreRequests
from voxshelf.core.reservation import REQUEST_LIFETIME
from voxshelf.use_cases.request_ports import Begun

pytestmark = pytest.mark.emulator


class TestFirestoreRequests(RequestsContract):
    @pytest.fixture
    def requests(self, firestore_client):
        return FirestoreRequests(firestore_client)

    def test_a_key_is_kept_for_two_days_and_free_then_though_its_record_is_there(
        self, requests, firestore_client, uid
    ):
        requests.keep(requests.begin(uid, "k", asked()), ANSWER)
        record = firestore_client.document("users", uid, "requests", "k")
        fields = record.get().to_dict()
        assert fields["expires_at"] - fields["since"] == REQUEST_LIFETIME
        record.update({"since": fields["since"] - REQUEST_LIFETIME - timedelta(seconds=1)})
        assert isinstance(requests.begin(uid, "k", asked("g")), Begun)
        assert record.get().to_dict()["answer"] is None
