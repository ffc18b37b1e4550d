"""Lines to the store that do what networks do: transports to mount in a session."""

from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class LosingLine(HTTPAdapter):
    """Delivers every request, and loses the answers to the given methods, one each, in turn."""

    def __init__(self, methods):
        super().__init__()
        self._methods = list(methods)
        self.statuses = []

    def send(self, request, **options):
        answer = super().send(request, **options)
        self.statuses.append((request.method, answer.status_code))
        if self._methods[:1] == [request.method]:
            del self._methods[0]
            answer.close()
            raise requests.ConnectionError("the answer is lost")
        return answer


def losing_line(session, url, *methods):
    """Put a `LosingLine` in front of `url`; it notes what was answered."""
    line = LosingLine(methods)
    session.mount(url, line)
    return line


class ChangingLine(HTTPAdapter):
    """Answers removals as a store does in which the object has just changed."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def send(self, request, **options):
        if request.method != "DELETE":
            return super().send(request, **options)
        self.asked.append(urlsplit(request.url).query)
        answer = requests.Response()
        answer.status_code = 412
        return answer


class DamagingLine(HTTPAdapter):
    """Turns over the last bit of every block of zeros that is sent."""

    def send(self, request, **options):
        if request.body is not None:
            request.body = _Damaged(request.body)
        return super().send(request, **options)


class _Damaged:
    def __init__(self, body):
        self._body = body

    def __len__(self):
        return len(self._body)

    def read(self, size=-1):
        block = self._body.read(size)
        return block[:-1] + b"\x01" if block.endswith(b"\0\0") else block
