"""A browser without a screen: keeps cookies, sends back the forms it is shown."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import httpx

_FIELD = r'name="{}" value="([^"]*)"'


class Visitor:
    """One browser at one application."""

    def __init__(self, app: Any, base: str = "http://cockpit", client: str = "10.1.2.3") -> None:
        self._app, self._base, self._client = app, base, client
        self.cookies: dict[str, str] = {}
        self.set: list[str] = []  # Set-Cookie headers of the last answer
        self.last = httpx.Response(200)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, fields: dict[str, Any] | None = None, *, token: str | None = None, **headers: str) -> httpx.Response:
        """Send a form; with the mark of the page last seen, unless another is given."""
        mark = self.hidden("csrf") if token is None else token
        return self._ask("POST", path, data={"csrf": mark, **(fields or {})}, headers=headers)

    def hidden(self, name: str) -> str:
        """What a hidden field of the last page holds."""
        found = re.search(_FIELD.format(name), self.last.text)
        return html.unescape(found[1]) if found else ""

    def follow(self) -> httpx.Response:
        """Where the last answer leads."""
        while self.last.status_code == 303:
            self.get(self.last.headers["location"])
        return self.last

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=True, client=(self._client, 1))
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {**options.pop("headers", {}), **({"cookie": cookies} if cookies else {})}
            async with httpx.AsyncClient(transport=transport, base_url=self._base) as client:
                return await client.request(method, path, headers=headers, **options)

        answer = asyncio.run(once())
        self.set = answer.headers.get_list("set-cookie")
        for line in self.set:
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        if "text/html" in answer.headers.get("content-type", "") or answer.status_code == 303:
            self.last = answer
        return answer
