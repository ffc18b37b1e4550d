"""How files come under `uploads/`, in one place."""

from tests.chaos.bucket import Bucket


def place_upload(bucket: Bucket, path: str, data: bytes) -> None:
    """Put a file at a path, over any other.

    By the server's API, which no rule of the clients' binds: the storm is about what becomes of
    the bytes, and a path that is used twice is part of it.
    """
    bucket.plant(path, data)
