"""Typed, frozen records about news and moods. None means not known, never zero. Times are Unix seconds (UTC)."""

from __future__ import annotations

import msgspec


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news. All texts are plain: no markup, no control characters, no line breaks.

    Attributes:
        id: the same for the same article at each reading; 16 hexadecimal digits. It stands for the source's own
            identifier, else for the address, else for the title.
        title: headline, 300 characters at most.
        url: http or https, without fragment and tracking parameters; the same article has the same address.
        source: registry name of the feed, for example ``coindesk``.
        published_at: when the source says that it came out; never after its receipt. None when it does not say, or
            nothing that can be.
        categories: as the source files it, ten at most; may be empty.
        votes_positive: readers who took it for good news, or None where there is no vote.
        votes_negative: readers who took it for bad news, or None.
    """

    id: str
    title: str
    url: str
    source: str
    published_at: float | None = None
    categories: tuple[str, ...] = ()
    votes_positive: int | None = None
    votes_negative: int | None = None


class FeedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of a feed was read, for the next, conditional request.

    Attributes:
        etag: as the server sent it, or None.
        last_modified: as the server sent it, or None.
    """

    etag: str | None = None
    last_modified: str | None = None


class FeedReading(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading of a feed brought.

    Attributes:
        articles: in the order of the feed, each once; None when the feed is the same as last time.
        version: to be handed to the next request; None when the feed is the same as last time: keep the old one.
        read_at: moment of receipt.
    """

    articles: tuple[Article, ...] | None
    version: FeedVersion | None
    read_at: float


class FearGreed(msgspec.Struct, frozen=True, kw_only=True):
    """A reading of the Fear & Greed index.

    Attributes:
        source: who says so.
        value: 0 (extreme fear) to 100 (extreme greed).
        label: in words, for example ``Extreme Fear``.
        time: since when it stands.
        next_update_at: when the next value is expected, or None.
    """

    source: str
    value: float
    label: str
    time: float
    next_update_at: float | None = None


class TrendingCoin(msgspec.Struct, frozen=True, kw_only=True):
    """A coin that people search for.

    Attributes:
        source: who says so.
        coin_id: the source's identifier, for example ``bitcoin``.
        name: for people.
        symbol: in capitals.
        rank: 1 is searched for most.
        market_cap_rank: 1 is the largest coin; None when it has no rank.
        price_usd: US dollars, or None.
        change_percent_24h: of the price, or None.
        as_of: moment of receipt.
    """

    source: str
    coin_id: str
    name: str
    symbol: str
    rank: int
    market_cap_rank: int | None = None
    price_usd: float | None = None
    change_percent_24h: float | None = None
    as_of: float


class Votes(msgspec.Struct, frozen=True, kw_only=True):
    """How visitors of a site voted on a coin.

    Attributes:
        source: who says so.
        symbol: our symbol.
        up_percent: share of the votes that expects a rise, 0 to 100, or None.
        down_percent: the others, or None.
        watchlists: how many people watch the coin, or None.
        as_of: when the source says that it stood; the moment of receipt where it does not say.
    """

    source: str
    symbol: str
    up_percent: float | None
    down_percent: float | None
    watchlists: int | None = None
    as_of: float
