"""News: feeds in their dialects, conditional requests, clean texts and addresses, hostile documents."""

from __future__ import annotations

import time

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answers, feed, feed_recording, make_any, recording
from websocket.errors import AccessRefused, BadPayload, RateLimited
from websocket.news_records import Article, FeedReading, FeedVersion
from websocket.providers import provider_classes
from websocket.providers.base import Answer
from websocket.providers.feed_document import MAX_BYTES, MAX_ENTRIES, UnfitFeed, parse_document
from websocket.providers.news_texts import article_id, believable_time, clean_address, clean_categories, clean_text
from websocket.providers.rss import RssFeed, feeds
from websocket.settings import FeedSettings, Secret, Url

ITEM = b"<item><title>A</title><link>https://example.org/a</link></item>"
HEAD = b'<?xml version="1.0"?><rss version="2.0"><channel>'
TAIL = b"</channel></rss>"


def read(data: bytes, name: str = "coindesk") -> FeedReading:
    provider = feed(name)
    return provider.parse_articles(answers(provider.article_requests(), data))


def articles(data: bytes) -> tuple[Article, ...]:
    found = read(data).articles
    assert found is not None
    return found


def test_every_feed_is_a_provider() -> None:
    """Named as in the settings; the registry does not know them; a slash at the end of an address is kept."""
    found = feeds(FeedSettings())
    assert list(found) == ["coindesk", "cointelegraph", "decrypt", "cryptoslate", "bitcoin_magazine"]
    assert found["coindesk"].title == "CoinDesk"
    assert found["coindesk"].base_url == "https://www.coindesk.com/arc/outboundfeeds/rss/"
    assert RssFeed not in provider_classes().values()
    assert feeds(FeedSettings(decrypt=Url("http://127.0.0.1/x")))["decrypt"].base_url == "http://127.0.0.1/x"


def test_a_feed_is_asked_for_changes_only() -> None:
    """With what the last answer said of its version."""
    (request,) = feed().article_requests()
    assert (request.path, request.accepts, request.headers) == ("", "bytes", ())
    (request,) = feed().article_requests(FeedVersion(etag='W/"1"', last_modified="Sat, 21 Nov 2026 09:00:00 GMT"))
    assert dict(request.headers) == {"If-None-Match": 'W/"1"', "If-Modified-Since": "Sat, 21 Nov 2026 09:00:00 GMT"}


def test_the_version_of_an_answer_is_kept() -> None:
    """What cannot be sent back in a header is not."""
    (request,) = feed().article_requests()
    headers = {"etag": '"abc"', "last-modified": "x\r\ny"}
    reading = feed().parse_articles(
        [Answer(request=request, payload=HEAD + TAIL, received_at=RECEIVED_AT, headers=headers)]
    )
    assert reading == FeedReading(articles=(), version=FeedVersion(etag='"abc"'), read_at=RECEIVED_AT)


def test_an_unchanged_feed_has_no_articles_to_tell() -> None:
    """None, which is not an empty feed."""
    (request,) = feed().article_requests(FeedVersion(etag='"abc"'))
    reading = feed().parse_articles([Answer(request=request, payload=None, received_at=5.0, not_modified=True)])
    assert reading == FeedReading(articles=None, version=None, read_at=5.0)


def test_rss_is_read() -> None:
    """Headline, address, time and categories; what else calls itself a title is not the headline."""
    first, second = articles(feed_recording("coindesk"))
    assert first.title == "Bitcoin tops $97,000 as ETF inflows & volumes rise"
    assert first.url == "https://www.coindesk.com/markets/2026/11/21/bitcoin-tops-usd97-000"
    assert (first.source, first.published_at) == ("coindesk", RECORDED_AT - 1079)
    assert first.categories == ("Markets", "Bitcoin")
    assert second.categories == ()
    assert first.id != second.id


def test_counting_parameters_are_taken_off() -> None:
    """And a time in another zone is converted."""
    (article,) = read(feed_recording("cointelegraph"), "cointelegraph").articles or ()
    assert article.url == "https://cointelegraph.com/news/what-happened-in-crypto-today"
    assert article.published_at == RECORDED_AT - 1016


def test_atom_is_read() -> None:
    """The address is that of the article, not of an enclosure; escaped markup is taken off."""
    (article,) = articles(feed_recording("atom"))
    assert article.title == "Ether rallies 5%"
    assert article.url == "https://example.org/ether?page=2"
    assert (article.published_at, article.categories) == (RECORDED_AT - 1790, ("Ether",))


def test_rdf_is_read() -> None:
    (article,) = articles(feed_recording("rdf"))
    assert (article.title, article.url) == ("Café pays in bitcoin", "https://example.org/one")
    assert article.published_at == RECORDED_AT - 7190


def test_a_sloppy_feed_is_read_as_far_as_it_goes() -> None:
    """Bare ampersands, dates that are none or of the future, and entries without what an article needs."""
    first, second = articles(feed_recording("sloppy"))
    assert (first.title, first.url) == ("Profit & loss of a trader", "https://example.org/p?a=1&b=2")
    assert first.published_at is None
    assert (second.url, second.published_at) == ("https://example.org/second", None)


def test_a_feed_that_breaks_off_keeps_what_came() -> None:
    assert len(articles(HEAD + ITEM + ITEM.replace(b"/a<", b"/b<") + b"<item><title>Cut of")) == 2


def test_the_same_article_twice_is_one() -> None:
    assert len(articles(HEAD + ITEM * 3 + TAIL)) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_feeds_come_in_many_encodings(encoding: str) -> None:
    declared = "utf-16" if encoding == "utf-16" else encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>' + (HEAD[21:] + ITEM + TAIL).decode().replace(">A<", ">É<")
    (article,) = articles(text.encode(encoding))
    assert article.title == "É"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><rss version="2.0"><channel><item><title>&c;</title></item></channel></rss>"""
XXE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><item><title>&x;</title><link>https://example.org/</link></item></channel></rss>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        XXE,
        BOMB.decode().encode("utf-16"),
        XXE.replace(b"<!DOCTYPE", b"<!-- <rss> --><!DOCTYPE"),
        b'<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd"><rss version="2.0"/>',
    ],
)
def test_declarations_are_refused(data: bytes) -> None:
    """Whatever they declare, in any encoding, and behind whatever they hide."""
    with pytest.raises(BadPayload, match="DOCTYPE or ENTITY"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"/etc/passwd",
        b"http://127.0.0.1:1/",
        b"<!doctype html><html><body>Just a moment...</body></html>",
        b"<html><body>Just a moment...</body></html>",
        b'{"error": 1}',
        b"\x1f\x8b\x08",
        b'<?xml version="1.0" encoding="utf-7"?>+ADw-rss version=+ACI-2.0+ACI-+AD4-',
        b'<?xml version="1.0" encoding="no-such"?><rss/>',
        b'<?xml version="1.0" encoding="zlib"?><rss/>',
        HEAD + b"<item><title>never",
        b" " * (MAX_BYTES + 1),
    ],
)
def test_what_is_no_feed_is_a_bad_payload(data: bytes) -> None:
    """An answer is never taken for the name of a file or an address."""
    with pytest.raises(BadPayload, match="coindesk feed"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"<a>" * 600_000,
        HEAD + ITEM * 30_000 + TAIL,
        HEAD + b"<item>" + b"<category>x</category>" * 80_000 + b"</item>" + TAIL,
        HEAD + b"<a " + b" ".join(b"a%d='b'" % number for number in range(150_000)) + b"/>" + TAIL,
        b"<?xml version='1.0'?>" + b" \n" * 900_000 + b"x" + HEAD + TAIL,
        HEAD + b"<item><author>" + b"(" * 1_900_000 + b"</author></item>" + TAIL,
        HEAD + b"<item><title>" + b"\n" * 1_900_000 + b"&</title></item>" + TAIL,
        HEAD + b"<item><title>" + b"&" * 1_900_000 + b"</title></item>" + TAIL,
        HEAD + b"<![CDATA[" * 200_000,
        HEAD + b"<item><pubDate>" + b"1 " * 900_000 + b"</pubDate></item>" + TAIL,
    ],
)
def test_large_and_odd_documents_take_no_time(data: bytes) -> None:
    """Feedparser alone would be busy for seconds or minutes, and the whole service with it."""
    began_at = time.process_time()
    try:
        entries = parse_document(data)
    except UnfitFeed:
        entries = []
    assert time.process_time() - began_at < 2
    assert len(entries) <= MAX_ENTRIES


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  Two\n\tlines ", "Two lines"),
        ("<b>Bold</b> move", "Bold move"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Up", "alert(1) Up"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;", ""),
        ("a <img src=x onerror=alert(1)", "a"),
        ("ETH < $2,000 & BTC > $90,000", "ETH < $2,000 & BTC > $90,000"),
        ("AT&amp;T", "AT&T"),
        ("\u202eexe.tropme\u202c\u0000\u200b", "exe.tropme"),
        ("bad \ud800 surrogate", "bad surrogate"),
        ("x" * 400, "x" * 299 + "…"),
        (None, ""),
        (["x"], ""),
    ],
)
def test_texts_are_cleaned(text: object, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("HTTPS://Example.ORG/Path?utm_source=x&id=7&UTM_Medium=y&fbclid=z#top", "https://example.org/Path?id=7"),
        (" http://example.org:8080/a ", "http://example.org:8080/a"),
        ("https://example.org/a'\"><script>", "https://example.org/a%27%22%3E%3Cscript%3E"),
        ("https://example.org/ü?q=ü", "https://example.org/%C3%BC?q=%C3%BC"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//example.org/x", None),
        ("/relative", None),
        ("https:///x", None),
        ("https://user:pass@example.org/", None),
        ("https://example.org:99999/", None),
        ("https://exa mple.org/", None),
        ("https://example.org/a\nb", None),
        ("https://example.org/" + "a" * 2000, None),
        ("https://[::1/", None),
        ("https://example.org/\ud800", None),
        (7, None),
    ],
)
def test_addresses_are_cleaned(address: object, clean: str | None) -> None:
    assert clean_address(address) == clean


def test_categories_are_few_and_different() -> None:
    assert clean_categories(["Bitcoin", "bitcoin", " ", None, "<i>ETFs</i>"]) == ("Bitcoin", "ETFs")
    assert len(clean_categories(str(number) for number in range(50))) == 10


def test_an_article_is_known_by_the_best_that_it_has() -> None:
    """Its own identifier, else its address, else its headline; never across sources."""
    known = article_id("a", "guid-1", "https://example.org/1", "T")
    assert known == article_id("a", " guid-1 ", "https://example.org/2", "U")
    assert known != article_id("b", "guid-1", "https://example.org/1", "T")
    by_address = article_id("a", None, "https://example.org/1", "T")
    assert by_address == article_id("a", "https://example.org/1?utm_source=x", "https://example.org/9", "U")
    assert article_id("a", "", "", "News") == article_id("a", None, "", "NEWS")
    assert len(known) == 16


def test_times_are_believed_within_reason() -> None:
    """A little ahead is now; far ahead, or before there was any such news, is not known."""
    assert believable_time(RECEIVED_AT - 5, RECEIVED_AT) == RECEIVED_AT - 5
    assert believable_time(RECEIVED_AT + 3600, RECEIVED_AT) == RECEIVED_AT
    assert believable_time(RECEIVED_AT + 90_000, RECEIVED_AT) is None
    assert believable_time(0.0, RECEIVED_AT) is None
    assert believable_time(None, RECEIVED_AT) is None


def test_posts_with_votes_are_read() -> None:
    """The article's own address is better than the page about it; a post without any is left out."""
    provider = make_any("cryptopanic", api_key=Secret("k-123"))
    requests = provider.article_requests(FeedVersion(etag="x"))
    assert dict(requests[0].params)["auth_token"] == "k-123"
    first, second = provider.parse_articles(answers(requests, recording("cryptopanic", "posts"))).articles
    assert (first.title, first.url) == ("Bitcoin & ether rally", "https://example.org/a")
    assert (first.categories, first.votes_positive, first.votes_negative) == (("BTC", "ETH"), 12, 1)
    assert first.published_at == RECORDED_AT - 1190
    assert (second.url, second.votes_positive) == ("https://cryptopanic.com/news/27003/b", None)
    for payload in (None, [], {"results": {}}):
        with pytest.raises(BadPayload):
            provider.parse_articles(answers(requests, payload))


@pytest.mark.parametrize(("name", "kind"), [("error_token", AccessRefused), ("error_limit", RateLimited)])
def test_refusals_of_posts_are_told_apart(name: str, kind: type[Exception]) -> None:
    provider = make_any("cryptopanic", api_key=Secret("k-123"))
    error = provider.error_in(provider.article_requests()[0], 200, recording("cryptopanic", name))
    assert type(error) is kind
    assert "k-123" not in str(error)
