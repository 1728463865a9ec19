"""An address as it may be shown and kept: without a password, or keys in its query.

Of a key four digits of its SHA-256 stay, as two streams may differ in nothing else (``?key=front``).
"""

from __future__ import annotations

import hashlib
import re

_KEYS = re.compile(r"(?i)((?:^|[&?])[^=&]*(?:pass|pwd|token|key|secret|auth|sig)[^=&]*=)([^&]+)")


def hushed(address: str) -> str:
    """Return an address without what opens it; anything else as it is.

    >>> hushed("rtsp://me:word@camera/1?token=abc&x=1")
    'rtsp://camera/1?token=…ba78&x=1'
    """
    scheme, there, rest = address.partition("://")
    if not there:
        return address
    place, mark, query = rest.partition("#")[0].partition("?")
    host, slash, path = place.partition("/")
    if "@" in path and not host.rpartition(":")[2].isdecimal() and ":" in host.rpartition("]")[2]:
        host, slash, path = place.rpartition("@")[2].partition("/")  # a password with a slash
    host = host.rpartition("@")[2]
    query = _KEYS.sub(_marked, query)
    return f"{scheme}://{host}{slash}{path}{mark}{query}"


def _marked(found: re.Match[str]) -> str:
    return f"{found[1]}…{hashlib.sha256(found[2].encode()).hexdigest()[:4]}"
