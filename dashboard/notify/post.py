"""One POST to an address that must not be shown: what went wrong is told without it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

import httpx

from dashboard.core.duty import Channel
from dashboard.notify.failure import NotSentError

_BUSY = (408, 425, 429)
_PAUSE = timedelta(minutes=1)


def post(way: Channel, body: bytes, headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> bytes:
    """The answer's body, where the answer was a success. Raises NotSentError."""
    try:
        url = httpx.URL(way.url)
        url = url.copy_merge_params(dict(query)) if query else url
        answer = _client().post(url, content=body, headers=dict(headers), timeout=way.timeout.total_seconds())
    except httpx.TimeoutException:
        raise NotSentError(f"{way.key}: no answer within {way.timeout.total_seconds():g} s", channel_is_down=True) from None
    except httpx.InvalidURL:
        raise NotSentError(f"{way.key}: the address in its url_env is not an address: write https://…", channel_is_down=True) from None
    except httpx.HTTPError as wrong:
        raise NotSentError(f"{way.key}: not reached ({type(wrong).__name__})", channel_is_down=True) from None
    if answer.status_code in _BUSY or answer.status_code >= 500:
        wait = _PAUSE if answer.status_code in _BUSY else timedelta(0)
        raise NotSentError(f"{way.key}: answered {answer.status_code}", channel_is_down=True, wait=wait)
    if not answer.is_success:
        raise NotSentError(f"{way.key}: answered {answer.status_code}: are address and secret those of the receiver?")
    return answer.content


@cache
def _client() -> httpx.Client:
    """One for the process: connections stay open between messages."""
    return httpx.Client()
