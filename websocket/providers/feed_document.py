"""Reads a foreign RSS or Atom document without coming to harm. No I/O.

feedparser knows the dialects and their dates, and fetches no external entities, but it was not made for hostile
documents: two megabytes of white space, of attributes or of brackets keep it busy for minutes. So the document is first
distilled: expat, which is fast and refuses declarations, takes out of it the few fields that are of use, in bounded
length and number, and only these are given to feedparser.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any
from xml.parsers import expat

import feedparser  # type: ignore[import-untyped]

MAX_BYTES = 4_000_000
"""Feeds have up to half a million, where they carry whole articles. A tenth of a second takes care of this much."""

MAX_ENTRIES = 100
"""Of one reading; feeds have 10 to 50."""

MAX_DEPTH = 64
MAX_ELEMENTS = 100_000

FIELDS = {
    "title": 1_000,
    "link": 2_000,
    "guid": 2_000,
    "id": 2_000,
    "pubDate": 100,
    "dc:date": 100,
    "published": 100,
    "updated": 100,
    "category": 100,
}
"""What is taken over from an entry, and how many characters of it."""

ATTRIBUTES = {"link": ("href", "rel"), "guid": ("isPermaLink",), "category": ("term",)}
MAX_FIELDS = 30
"""Of one entry."""

ROOTS = {
    "rss": ('<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>', "</channel></rss>"),
    "feed": ('<feed xmlns="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/">', "</feed>"),
    "rdf:RDF": (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">',
        "</rdf:RDF>",
    ),
}
"""The first element of each dialect, to what a document begins and ends with."""

ENTRIES = ("item", "entry")

CONTROL_CHARACTERS = bytes([*range(9), 11, 12, *range(14, 32)])
"""They break XML, and are found in feeds all the same."""

STRAY_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
"""It breaks XML too, and so do the entities of HTML that feeds use without declaring them."""


class UnfitFeed(ValueError):
    """A document that is not read; the text says what was expected."""


def parse_document(data: bytes) -> list[dict[str, Any]]:
    """The entries of an RSS or Atom document as feedparser gives them, at most ``MAX_ENTRIES``.

    A document that breaks off or is damaged gives the entries before that place.

    Raises:
        UnfitFeed: it is too large, declares a DOCTYPE or entities, or is no feed.
    """
    distilled = _distil(data)
    # by a stream: feedparser takes a string for an address or the name of a file where it looks like one
    parsed = feedparser.parse(
        io.BytesIO(distilled.encode()),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    # as plain dicts: feedparser's own answer some keys with the values of others
    return [dict(entry) for entry in parsed.entries]


def _distil(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UnfitFeed(f"at most {MAX_BYTES} bytes")
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff"):  # in UTF-16 every other byte is zero
        data = data.lstrip().translate(None, CONTROL_CHARACTERS)
    first = _Distiller()
    if first.read(data):
        return first.document()
    second = _Distiller()
    mended = second.read(STRAY_AMPERSAND.sub(b"&amp;", data))
    best = max(first, second, key=lambda distiller: distiller.entries)
    if not mended and best.entries == 0:
        raise UnfitFeed("RSS or Atom that is well-formed")
    return second.document() if mended else best.document()


class _Enough(Exception):
    """There are as many entries as are wanted."""


class _Distiller:
    """Writes a small document with the fields of the entries of a large one."""

    def __init__(self) -> None:
        self.entries = 0
        self._root: str | None = None
        self._written: list[str] = []
        self._entry: list[str] | None = None
        self._entry_depth = 0
        self._field: str | None = None
        self._attributes = ""
        self._text: list[str] = []
        self._room = 0
        self._depth = 0
        self._elements = 0

    def read(self, data: bytes) -> bool:
        """Takes in a document; False when it is not well-formed, and so read in part only."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_declaration
        parser.EntityDeclHandler = _refuse_declaration
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except _Enough:
            return True
        except (expat.ExpatError, ValueError, LookupError) as error:
            if isinstance(error, UnfitFeed):
                raise
            # a ValueError or LookupError is an encoding that Python does not have, or that is no such thing
            return False
        return True

    def document(self) -> str:
        """What was taken over, well-formed.

        Raises:
            UnfitFeed: it was no feed.
        """
        if self._root is None:
            raise UnfitFeed("RSS or Atom")
        begin, end = ROOTS[self._root]
        return "".join([begin, *self._written, end])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise UnfitFeed(f"at most {MAX_ELEMENTS} elements, {MAX_DEPTH} deep")
        if self._depth == 1:
            if name not in ROOTS:
                raise UnfitFeed("RSS or Atom")
            self._root = name
        elif self._entry is None:
            if name in ENTRIES:
                self._entry, self._entry_depth = [], self._depth
        elif self._depth == self._entry_depth + 1 and name in FIELDS and len(self._entry) < MAX_FIELDS:
            self._field, self._text, self._room = name, [], FIELDS[name]
            kept = [(key, attributes[key]) for key in ATTRIBUTES.get(name, ()) if key in attributes]
            self._attributes = "".join(f' {key}="{html.escape(value[: FIELDS[name]])}"' for key, value in kept)

    def _end(self, name: str) -> None:
        if self._entry is not None and self._depth == self._entry_depth + 1 and self._field is not None:
            text = html.escape("".join(self._text).strip())
            self._entry.append(f"<{self._field}{self._attributes}>{text}</{self._field}>")
            self._field = None
        elif self._entry is not None and self._depth == self._entry_depth:
            self._written += [f"<{name}>", *self._entry, f"</{name}>"]
            self._entry = None
            self.entries += 1
            if self.entries == MAX_ENTRIES:
                raise _Enough
        self._depth -= 1

    def _characters(self, text: str) -> None:
        if self._field is not None and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)


def _refuse_declaration(*_declared: Any) -> None:
    raise UnfitFeed("no DOCTYPE or ENTITY declaration")
