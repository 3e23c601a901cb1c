"""Five news feeds, each under its own name: RSS 2.0 in the dialect of its publisher, with conditional requests.

Sources: recorded excerpts of CoinDesk and Cointelegraph (2026-09, 2026-08); the others are publishing systems of
the usual kind. A client which sends the ETag or the date it was given gets 304 until there is news.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from html import escape

from simulator.answers import Answer, Request, html_page
from simulator.noise import Draws
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView
from simulator.stories import FEEDS, Newsroom, Story

_COUNT = 25
_TRACKING = "utm_source=rss_feed&utm_medium=rss&utm_campaign=rss_partner_inbound"
_NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"'
)


class Rss(Provider):
    """The feeds of five publishers; an unknown one is not found."""

    name = "rss"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {f"/{feed}": self._serve(feed) for feed in FEEDS}

    def error(self, status: int, message: str) -> Answer:
        """Gives the page of a web server."""
        return html_page(f"{status} {message}", message, status)

    def _serve(self, feed: str) -> Handler:
        def serve(request: Request, view: SourceView) -> Answer:
            stories = Newsroom(view.market).newest(view.as_of, _COUNT, feed)
            body = _document(feed, stories, view)
            changed_at = stories[0].published_at
            headers = {
                "ETag": f'W/"{hashlib.blake2b(body.encode(), digest_size=12).hexdigest()}"',
                "Last-Modified": formatdate(changed_at, usegmt=True),
                "Cache-Control": "public, max-age=60",
            }
            if _is_known(request.headers, headers["ETag"], changed_at):
                return Answer("", status=304, headers=headers, content_type="application/rss+xml; charset=utf-8")
            return Answer(body, headers=headers, content_type="application/rss+xml; charset=utf-8")

        return serve


def _is_known(sent: Mapping[str, str], etag: str, changed_at: float) -> bool:
    """Tells whether the client has this already; a tag counts before a date, a date nobody can read not at all."""
    if "if-none-match" in sent:
        return etag in [tag.strip() for tag in sent["if-none-match"].split(",")]
    try:
        return parsedate_to_datetime(sent["if-modified-since"]).timestamp() >= int(changed_at)
    except (KeyError, ValueError):
        return False


def _document(feed: str, stories: list[Story], view: SourceView) -> str:
    title, home, write = _PUBLISHERS[feed]
    items = "\n".join(f"    <item>\n{write(story, view)}\n    </item>" for story in stories)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss {_NAMESPACES} version="2.0">\n  <channel>\n'
        f"    <title>{escape(title, quote=False)}</title>\n    <link>{home}</link>\n    <language>en</language>\n"
        f"    <lastBuildDate>{_date(stories[0].published_at)}</lastBuildDate>\n{items}\n  </channel>\n</rss>\n"
    )


def _date(time_s: float) -> str:
    """Gives Unix seconds as ``Thu, 24 Sep 2026 10:11:51 +0000``."""
    return formatdate(time_s).replace("-0000", "+0000")


def _cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>"


def _lines(*lines: str) -> str:
    return "\n".join(f"      {line}" for line in lines if line)


def _coindesk(story: Story, view: SourceView) -> str:
    """Gives an item with an opaque guid; every fourth has an empty description, every third a second author."""
    code = Draws(view.market.seed, "news/guid").hexadecimal(story.number, 16)
    guid = "-".join((code[:8], code[8:12], code[12:16], code[16:20], code[20:]))
    day = formatdate(story.published_at, usegmt=True).split()
    date = f"{day[3]}/{_MONTHS.index(day[2]) + 1:02}/{day[1]}"
    image = '<media:content url="https://cdn.sanity.io/images/x.jpg" type="image/*" medium="image"/>'
    return _lines(
        f"<title>{_cdata(story.title)}</title>",
        f"<link>https://www.coindesk.com/markets/{date}/{story.slug}</link>",
        image if story.number % 2 else "",
        f'<guid isPermaLink="false">{guid}</guid>',
        f"<pubDate>{_date(story.published_at)}</pubDate>",
        f"<description>{_cdata(story.summary)}</description>" if story.number % 4 else "<description/>",
        f"<dc:creator>{story.author}</dc:creator>",
        "" if story.number % 3 else "<dc:creator>AI Boost</dc:creator>",
        f"<category>{_cdata('Markets')}</category>",
        "<content:encoded/>",
    )


def _cointelegraph(story: Story, view: SourceView) -> str:
    """Gives an item whose link has tracking parameters and whose description is HTML behind an image."""
    address = f"https://cointelegraph.com/news/{story.slug}"
    image = (
        '<p style="float:right; margin:0 0 10px 15px; width:240px;"><img src="https://s3-images.ctmedia.io/x.jpg"></p>'
    )
    return _lines(
        f"<title>{escape(story.title, quote=False)}</title>",
        f"<pubDate>{_date(story.published_at)}</pubDate>",
        f'<guid isPermaLink="true">{address}</guid>',
        f"<link>{_cdata(f'{address}?{_TRACKING}')}</link>",
        f"<description>{_cdata(f'{image}<p>{escape(story.summary, quote=False)}</p>')}</description>",
        f"<dc:creator>Cointelegraph by {story.author}</dc:creator>",
        "<category>Latest News</category>",
    )


def _decrypt(story: Story, view: SourceView) -> str:
    """Gives an item whose HTML is escaped instead of quoted."""
    address = f"https://decrypt.co/{300_000 + story.number % 100_000}/{story.slug}"
    text = f"<p>{escape(story.summary, quote=False)}</p>"
    return _lines(
        f"<title>{escape(story.title, quote=False)}</title>",
        f"<link>{address}</link>",
        f'<guid isPermaLink="false">{address.rpartition("/")[0]}</guid>',
        f"<pubDate>{_date(story.published_at)}</pubDate>",
        f"<description>{escape(text, quote=False)}</description>",
        f"<dc:creator>{story.author}</dc:creator>",
        f"<category>{escape('News & Coins', quote=False)}</category>",
        '<media:thumbnail url="https://img.decrypt.co/x.jpg"/>',
    )


def _cryptoslate(story: Story, view: SourceView) -> str:
    """Gives an item as blogging software writes it: typographic entities, a footer in the description."""
    address = f"https://cryptoslate.com/{story.slug}/"
    footer = f'<p>The post <a href="{address}">{escape(story.title)}</a> appeared first on CryptoSlate.</p>'
    return _lines(
        f"<title>{escape(story.title, quote=False).replace(': ', '&#8201;&#8211; ')}</title>",
        f"<link>{address}</link>",
        f"<dc:creator>{_cdata(story.author)}</dc:creator>",
        f"<pubDate>{_date(story.published_at)}</pubDate>",
        f"<category>{_cdata('Analysis')}</category>",
        f'<guid isPermaLink="false">https://cryptoslate.com/?p={story.number % 1_000_000}</guid>',
        f"<description>{_cdata(f'<p>{escape(story.summary, quote=False)}</p>{footer}')}</description>",
    )


def _bitcoin_magazine(story: Story, view: SourceView) -> str:
    """Gives an item with the whole article in it, and the image first."""
    address = f"https://bitcoinmagazine.com/markets/{story.slug}"
    article = f'<img src="https://bitcoinmagazine.com/x.webp" alt=""/><p>{escape(story.summary, quote=False)}</p>'
    return _lines(
        f"<title>{_cdata(story.title)}</title>",
        f"<link>{address}?utm_source=rss&amp;utm_medium=rss</link>",
        f"<pubDate>{_date(story.published_at)}</pubDate>",
        f"<dc:creator>{_cdata(story.author)}</dc:creator>",
        f'<guid isPermaLink="false">https://bitcoinmagazine.com/?p={story.number % 1_000_000}</guid>',
        f"<category>{_cdata('Markets')}</category><category>{_cdata('Bitcoin')}</category>",
        f"<description>{_cdata(article)}</description>",
        f"<content:encoded>{_cdata(article * 3)}</content:encoded>",
    )


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PUBLISHERS: Mapping[str, tuple[str, str, Callable[[Story, SourceView], str]]] = {
    "coindesk": ("CoinDesk: Bitcoin, Ethereum, Crypto News and Price Data", "https://www.coindesk.com", _coindesk),
    "cointelegraph": ("Cointelegraph.com News", "https://cointelegraph.com", _cointelegraph),
    "decrypt": ("Decrypt", "https://decrypt.co", _decrypt),
    "cryptoslate": ("CryptoSlate", "https://cryptoslate.com", _cryptoslate),
    "bitcoin_magazine": ("Bitcoin Magazine", "https://bitcoinmagazine.com", _bitcoin_magazine),
}
"""Title, home page and dialect of each feed."""
