"""A person in the office, on the pages of a real relay."""

import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from .relay import Relay


class Office:
    """Signed in, and at home in the space "Koivula"."""

    def __init__(self, relay: Relay) -> None:
        self.url = relay.url
        relay.people += 1
        name = f"Toimisto {relay.people}"
        said = relay.sopu("member", "add", name, "--login", f"toimisto{relay.people}")
        relay.sopu("space", "grant", "Koivula", "--member", name, "--role", "office")
        login, password = re.findall(r"^(?:User name|Password): +(\S.*)$", said, re.M)
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        self._post("/office/sign-in", "/office/sign-in", name=login, password=password)

    def drop(self, space: str, reason: str) -> int:
        """Drops all work of a space that is held; gives how much that was."""
        review = f"/office/spaces/{space}/review"
        held = set(re.findall(r'name="envelope" value="([^"]+)"', self._get(review)))
        for envelope in held:
            self._post(review, f"{review}/drop", envelope=envelope, reason=reason)
        return len(held)

    def _get(self, path: str) -> str:
        with self._opener.open(self.url + path, timeout=20) as page:
            return str(page.read(), "utf-8")

    def _post(self, page: str, path: str, **fields: str) -> None:
        found = re.search(r'name="form_token" value="([^"]*)"', self._get(page))
        assert found, page
        body = urllib.parse.urlencode(fields | {"form_token": found[1]})
        with self._opener.open(self.url + path, body.encode(), timeout=20) as answer:
            assert answer.status == 200, path
