"""Users of the Auth emulator, on the real emulator."""

import os
import secrets

import pytest

from local.auth_emulator import AuthEmulatorError, sign_in, sign_in_or_up, sign_up

pytestmark = pytest.mark.emulator
PASSWORD = "of a test"


@pytest.fixture
def host() -> str:
    """`host:port` of the emulator around this run."""
    return os.environ["FIREBASE_AUTH_EMULATOR_HOST"]


@pytest.fixture
def email() -> str:
    """An address that no other test uses."""
    return f"{secrets.token_hex(6)}@voxshelf.example"


def test_signed_up_user_signs_in_as_the_same_one(host: str, email: str) -> None:
    new = sign_up(host, email, PASSWORD)

    again = sign_in(host, email, PASSWORD)

    assert again.uid == new.uid
    assert again.email == email
    assert again.id_token.count(".") == 2


def test_unknown_user_is_made_once(host: str, email: str) -> None:
    first = sign_in_or_up(host, email, PASSWORD)
    second = sign_in_or_up(host, email, PASSWORD)

    assert first.uid == second.uid


def test_wrong_password_is_refused_with_the_emulators_code(host: str, email: str) -> None:
    sign_up(host, email, PASSWORD)

    with pytest.raises(AuthEmulatorError, match="INVALID"):
        sign_in(host, email, "another")


def test_taken_address_is_refused(host: str, email: str) -> None:
    sign_up(host, email, PASSWORD)

    with pytest.raises(AuthEmulatorError, match="EMAIL_EXISTS"):
        sign_up(host, email, PASSWORD)


def test_emulator_that_is_not_there_is_an_error_of_ours(email: str) -> None:
    with pytest.raises(AuthEmulatorError):
        sign_in("127.0.0.1:1", email, PASSWORD)
