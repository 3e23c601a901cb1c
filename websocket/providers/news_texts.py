"""Makes foreign headlines, addresses and times fit to be shown. Computes only."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MAX_TITLE = 300
MAX_CATEGORY = 50
MAX_CATEGORIES = 10
MAX_ADDRESS = 2_000

MARKUP = re.compile(r"<[A-Za-z/!?][^<>]*>?")
"""A tag, also one that is not closed. A bare ``<``, as in "ETH < $2,000", is none."""

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Kinds of characters that show nothing, or turn the direction of what follows."""

TRACKING = frozenset(
    {"fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "_ga", "_gl", "ref_src", "cmpid"}
)
TRACKING_PREFIX = "utm_"

PATH_CHARACTERS = "/%:@!$&()*+,;=~-._"
"""What stays in a path as it is. Quotes and angle brackets do not: addresses end up in pages."""

HOST = re.compile(r"[A-Za-z0-9._\-\u00a1-\uffff]+(:[0-9]{1,5})?")

FUTURE_TOLERANCE_S = 86_400.0
"""A clock or a zone that is wrong makes news come out in the future by less than a day."""

FIRST_NEWS = 1_230_768_000.0
"""2009, the year of the first block: there is no older news of this kind."""


def clean_text(value: Any, max_length: int = MAX_TITLE) -> str:
    """A text in one line without markup, entities and invisible characters; empty when there is none.

    Markup is taken off twice, since feeds escape it once too often.
    """
    if not isinstance(value, str):
        return ""
    text = value[: 10 * max_length]
    for _ in range(2):
        text = MARKUP.sub(" ", html.unescape(text))
    text = MARKUP.sub(" ", text)
    text = " ".join("".join(_visible(character) for character in text).split())
    return text if len(text) <= max_length else text[: max_length - 1].rstrip() + "…"


def clean_address(value: Any) -> str | None:
    """An http or https address without fragment, user and tracking parameters; None when there is none.

    The same article has the same address afterwards: scheme and host are in lower case.
    """
    if not isinstance(value, str) or len(value) > MAX_ADDRESS:
        return None
    text = value.strip()
    if any(character.isspace() or unicodedata.category(character) in INVISIBLE for character in text):
        return None
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
        host = parts.netloc.lower()
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not port_is_valid or not HOST.fullmatch(host):
        return None
    kept = [(name, value) for name, value in query if not _is_tracking(name)]
    path = quote(parts.path, safe=PATH_CHARACTERS)
    return urlunsplit((parts.scheme.lower(), host, path, urlencode(kept, errors="replace"), ""))


def clean_categories(values: Iterable[Any]) -> tuple[str, ...]:
    """The first ``MAX_CATEGORIES`` different categories, clean; case does not make a difference."""
    found: dict[str, str] = {}
    for value in values:
        text = clean_text(value, MAX_CATEGORY)
        if text and len(found) < MAX_CATEGORIES:
            found.setdefault(text.casefold(), text)
    return tuple(found.values())


def article_id(source: str, guid: Any, address: str, title: str) -> str:
    """16 hexadecimal digits for an article: by the source's own identifier, else its address, else its title."""
    own = guid.strip() if isinstance(guid, str) else ""
    key = clean_address(own) or own or address or title.casefold()
    return hashlib.sha256(f"{source}\n{key}".encode(errors="replace")).hexdigest()[:16]


def believable_time(unix_s: float | None, received_at: float) -> float | None:
    """When an article came out: not before there was such news, and not after it was read.

    Up to a day ahead it counts as now; more than that nobody can mean.
    """
    if unix_s is None or not FIRST_NEWS <= unix_s <= received_at + FUTURE_TOLERANCE_S:
        return None
    return min(unix_s, received_at)


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in INVISIBLE else character


def _is_tracking(name: str) -> bool:
    lower = name.lower()
    return lower.startswith(TRACKING_PREFIX) or lower in TRACKING
