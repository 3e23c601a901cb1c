"""What the archive keeps, over HTTP: every row once, page by page, in both forms; and nothing that is nonsense."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.archive.sample import HOSTILE_TITLE, MONDAY, make_archive
from tests.archive.support import article, news
from tests.documentation.contract import check, check_http_error
from tests.support.http_server import serving
from tests.support.native_gate import NativeGate
from tests.support.plain_http import get
from tests.support.processes import wait_until
from websocket import green
from websocket.archive import reads
from websocket.archive.store import Archive
from websocket.coins import SYMBOLS
from websocket.documentation import archive_answers
from websocket.errors import ArchiveUnavailable
from websocket.settings import ArchiveSettings
from websocket.transports import history_api as api_module
from websocket.transports.history_api import history_api

NOW = MONDAY + 600.0


def address_of(environ: Any) -> str:
    """Of the client; there are no proxies here."""
    return str(environ["REMOTE_ADDR"])


class Client:
    """Asks the routes of one archive.

    Args:
        folder: ``DATA_DIR``.
        settings: of the archive.
        demo: whether its content is simulated.
    """

    def __init__(self, folder: Path, settings: ArchiveSettings | None = None, *, demo: bool = False) -> None:
        self.archive = Archive(settings or ArchiveSettings(), folder, demo=demo, clock=lambda: NOW)
        self.archive.start()
        self.app = Flask(__name__)
        self.app.register_blueprint(history_api(self.archive, demo=demo, address_of=address_of, clock=lambda: NOW))
        self._client = self.app.test_client()

    def get(self, path: str, **parameters: Any) -> TestResponse:
        """Asks; ``from_`` is sent as ``from``."""
        query = urlencode({name.rstrip("_"): value for name, value in parameters.items()}, doseq=True)
        return self._client.get(f"{path}?{query}")

    def data(self, path: str, **parameters: Any) -> dict[str, Any]:
        """``data`` of an answer that must be a success."""
        reply = self.get(path, **parameters)
        assert reply.status_code == 200, reply.text
        assert reply.json is not None
        data: dict[str, Any] = reply.json["data"]
        return data

    def refusal(self, path: str, **parameters: Any) -> str:
        """The message of a 400."""
        reply = self.get(path, **parameters)
        assert reply.status_code == 400, reply.text
        error = check_http_error(reply.data)
        assert (error["code"], error["temporary"]) == ("bad_request", False)
        return str(error["message"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """An archive with some rows of every kind."""
    make_archive(tmp_path / "archive.sqlite3", prices=130)
    made = Client(tmp_path)
    yield made
    made.archive.close()


# Prices and candles


def test_raw_prices(client: Client) -> None:
    """Oldest first, between two times of which the second is left out."""
    reply = client.get("/api/history/BTC", interval="raw", from_=MONDAY + 10, to=MONDAY + 13)
    check(archive_answers.PriceHistoryAnswer, reply.json)
    assert reply.json == {
        "status": "success",
        "timestamp": "2025-11-24T00:10:00.000Z",
        "data": {
            "symbol": "BTC",
            "interval": "raw",
            "from": "2025-11-24T00:00:10.000Z",
            "to": "2025-11-24T00:00:13.000Z",
            "rows": [
                {
                    "symbol": "BTC",
                    "time": f"2025-11-24T00:00:{second}.000Z",
                    "price": second + 1.0,
                    "source": "kraken",
                    "confirmed": second % 2 == 1,
                }
                for second in (10, 11, 12)
            ],
            "demo": False,
            "next": None,
        },
    }
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("interval", "minutes"), [("1m", [0, 1, 2]), ("1h", [0])])
def test_candles(client: Client, interval: str, minutes: list[int]) -> None:
    """Of the interval that was asked for; one minute is the default."""
    reply = client.get("/api/history/BTC", interval=interval, from_=MONDAY)
    check(archive_answers.CandleHistoryAnswer, reply.json)
    rows = client.data("/api/history/BTC", interval=interval, from_=MONDAY)["rows"]
    assert [row["start"] for row in rows] == [f"2025-11-24T00:0{minute}:00.000Z" for minute in minutes]
    assert {name: rows[0][name] for name in ("open", "high", "low", "close")} == {
        "open": 1.0,
        "high": 4.0,
        "low": 0.5,
        "close": 2.0,
    }
    if interval == "1m":
        assert client.data("/api/history/BTC", from_=MONDAY)["rows"] == rows


@pytest.mark.parametrize(("interval", "hours"), [("raw", 1), ("1m", 24), ("1h", 7 * 24)])
def test_default_span(client: Client, interval: str, hours: int) -> None:
    """The last hour, day or week; and always the time that it says."""
    data = client.data("/api/history/ETH", interval=interval)
    assert data["to"] == "2025-11-24T00:10:00.000Z"
    then = client.data("/api/history/ETH", interval=interval, from_=NOW - hours * 3600)
    assert data == then


def test_symbols_are_the_same_in_any_case(client: Client) -> None:
    """And one that there is not gets the list of those that there are."""
    assert client.data("/api/history/btc", interval="raw")["symbol"] == "BTC"
    reply = client.get("/api/history/DOGE")
    assert reply.status_code == 404
    error = check_http_error(reply.data)
    assert error["code"] == "not_found"
    assert all(symbol in error["message"] for symbol in SYMBOLS)


@pytest.mark.parametrize(
    "moment",
    ["2025-11-24T00:01:00Z", "2025-11-24t00:01:00.000z", "2025-11-24T02:01:00+02:00", "1763942460", "1763942460.0"],
)
def test_times_can_be_written_in_both_ways(client: Client, moment: str) -> None:
    """RFC 3339 with any offset, or Unix seconds."""
    data = client.data("/api/history/BTC", interval="raw", from_=moment, limit=1)
    assert data["rows"][0]["price"] == 61.0
    assert data["from"] == "2025-11-24T00:01:00.000Z"


def pages(client: Client, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """All pages, by the ``Link`` that each names; it must say the same as ``next``."""
    reply = client.get(path, **parameters)
    while True:
        assert reply.status_code == 200, reply.text
        assert reply.json is not None
        data = reply.json["data"]
        yield data
        if data["next"] is None:
            assert "Link" not in reply.headers
            return
        address, _, relation = reply.headers["Link"].partition("; ")
        assert relation == 'rel="next"'
        by_hand = client.get(path, **{**parameters, "from": data["from"], "to": data["to"], "after": data["next"]})
        reply = client.app.test_client().get(address.strip("<>"))
        assert reply.json is not None
        assert by_hand.json is not None
        assert reply.json["data"]["rows"] == by_hand.json["data"]["rows"]


def test_pages_go_on_behind_the_longest_identifier(client: Client) -> None:
    """A cursor that was given out is taken back, whatever a feed calls its articles."""
    seen_at = "2025-11-24T00:09:00.000Z"
    client.archive.on_publication(news(*(article(n, id=f"{n}" + "x" * 1999, seen_at=seen_at) for n in (1, 2, 3))))
    client.archive.flush()
    found = [row["id"] for page in pages(client, "/api/news", from_=seen_at, limit=1) for row in page["rows"]]
    assert [(identifier[0], len(identifier)) for identifier in found] == [("3", 2000), ("2", 2000), ("1", 2000)]


@pytest.mark.parametrize("limit", [1, 7, 65, 130, 131])
def test_pages_have_every_row_once(client: Client, limit: int) -> None:
    """Whatever their size."""
    found = list(pages(client, "/api/history/BTC", interval="raw", limit=limit))
    assert [row["price"] for page in found for row in page["rows"]] == [n + 1.0 for n in range(130)]
    assert [len(page["rows"]) for page in found[:-1]] == [limit] * (len(found) - 1)


def test_limit_has_a_default(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets a million rows by mistake."""
    monkeypatch.setattr(api_module, "DEFAULT_ROWS", 50)
    data = client.data("/api/history/BTC", interval="raw")
    assert len(data["rows"]) == 50
    assert data["next"] is not None


# Articles and transactions


def test_news(client: Client) -> None:
    """Newest first, every text as it was."""
    reply = client.get("/api/news")
    check(archive_answers.ArticleListAnswer, reply.json)
    rows = client.data("/api/news")["rows"]
    assert [row["id"] for row in rows] == ["a2", "a1"]
    assert rows[1] == {
        "id": "a1",
        "title": HOSTILE_TITLE,
        "url": "https://a.example/1",
        "source": "CoinDesk",
        "source_id": "coindesk",
        "published_at": "2025-11-24T00:00:01.000Z",
        "dated": False,
        "seen_at": "2025-11-24T00:00:01.000Z",
        "categories": ["bitcoin", "+markets"],
    }


@pytest.mark.parametrize(
    ("parameters", "ids"),
    [
        ({"source": "CoinDesk"}, ["a1"]),
        ({"category": "Bitcoin"}, ["a1"]),
        ({"category": "bit"}, []),
        ({"category": '"'}, []),
        ({"q": "ether"}, ["a2"]),
        ({"q": "%"}, []),
        ({"q": "' OR 1=1 --"}, []),
        ({"q": "moves", "source": "decrypt"}, ["a2"]),
        ({"q": "moves", "source": "coindesk"}, []),
        ({"to": MONDAY + 2}, ["a1"]),
    ],
)
def test_news_can_be_chosen(client: Client, parameters: dict[str, Any], ids: list[str]) -> None:
    """By feed, whole category and words of the title; all that is given must hold."""
    assert [row["id"] for row in client.data("/api/news", **parameters)["rows"]] == ids


def test_pages_of_news_keep_the_choice(client: Client) -> None:
    """The address of the next page has it."""
    found = list(pages(client, "/api/news", q="e", limit=1))
    assert [row["id"] for page in found for row in page["rows"]] == ["a2", "a1"]


def test_whales(client: Client) -> None:
    """With the names of the stream, newest first."""
    reply = client.get("/api/whales")
    check(archive_answers.WhaleListAnswer, reply.json)
    rows = client.data("/api/whales")["rows"]
    assert [row["hash"] for row in rows] == ["h2", "h1"]
    assert rows[1] == {
        "hash": "h1",
        "value": 9e6,
        "from": "from1",
        "to": "",
        "timestamp": "2025-11-24T00:00:05.000Z",
        "chain": "bitcoin",
        "asset": "BTC",
        "amount": 100.0,
        "confirmed": True,
        "block": 900_000,
        "from_label": None,
        "to_label": None,
        "source": "mempool_space",
    }


@pytest.mark.parametrize(
    ("parameters", "hashes"),
    [
        ({"chain": "Bitcoin"}, ["h1"]),
        ({"asset": "usdt"}, ["h2"]),
        ({"min_value": "2000000"}, ["h2", "h1"]),
        ({"min_value": "2.5e6"}, ["h1"]),
        ({"min_value": "2.5e6", "asset": "USDT"}, []),
    ],
)
def test_whales_can_be_chosen(client: Client, parameters: dict[str, Any], hashes: list[str]) -> None:
    """By chain, asset and value; all that is given must hold."""
    assert [row["hash"] for row in client.data("/api/whales", **parameters)["rows"]] == hashes


# CSV


def csv_rows(reply: TestResponse) -> list[dict[str, str]]:
    """The rows of an answer that must be a CSV file."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(reply.text.splitlines(keepends=True)))


def test_csv_without_a_limit_is_all_that_there_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and sent page by page, so that no process holds all of it."""
    monkeypatch.setattr(api_module, "STREAM_ROWS", 20)
    reply = client.get("/api/history/BTC", interval="raw", format="csv")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="BTC-raw-2025-11-24.csv"'
    assert reply.is_streamed
    rows = csv_rows(reply)
    assert [float(row["price"]) for row in rows] == [n + 1.0 for n in range(130)]
    assert list(rows[0]) == ["symbol", "time", "price", "source", "confirmed"]


def test_csv_with_a_limit_is_a_page(client: Client) -> None:
    """With the address of the next."""
    first = client.get("/api/history/BTC", interval="raw", format="csv", limit=100)
    assert len(csv_rows(first)) == 100
    following = client.app.test_client().get(first.headers["Link"].partition(">")[0].strip("<"))
    assert [float(row["price"]) for row in csv_rows(following)] == [n + 1.0 for n in range(100, 130)]
    assert "Link" not in following.headers


def test_csv_of_news_is_no_formula(client: Client) -> None:
    """A title from the internet is text to every spreadsheet."""
    rows = csv_rows(client.get("/api/news", format="csv"))
    assert rows[1]["title"] == f"'{HOSTILE_TITLE}"


def test_simulated_rows_are_called_so(tmp_path: Path) -> None:
    """In every answer, and in the name of every file."""
    make_archive(tmp_path / "archive-demo.sqlite3", demo=True)
    client = Client(tmp_path, demo=True)
    for path in ("/api/history/BTC", "/api/news", "/api/whales"):
        assert client.data(path)["demo"] is True
        assert 'filename="demo-' in client.get(path, format="csv").headers["Content-Disposition"]
    client.archive.close()


# Nonsense


@pytest.mark.parametrize("path", ["/api/history/BTC", "/api/news", "/api/whales"])
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("form=json", "form"),
        ("From=1", "From"),
        ("limit=5&limit=6", "limit"),
        *((f"limit={value}", "limit") for value in ("0", "10001", "-1", "1.5", "ten", "", "%D9%A1", "1e3")),
        *(
            (f"from={value}", "from")
            for value in (
                "yesterday",
                "",
                "-5",
                "nan",
                "inf",
                "2025-11-24",
                "2025-11-24T00:00:00",
                "2025-13-24T00:00:00Z",
                "2025-11-24T00:00:00+02:00",
                "0001-01-01T00:00:00Z",
                "1763942400000",
                "9" * 500,
            )
        ),
        ("to=x", "to"),
        ("from=1763942500&to=1763942400", "from"),
        ("from=99999999999", "from"),
        ("format=xml", "format"),
        ("after=", "after"),
        ("after=x", "after"),
        ("after=" + "A" * 5000, "after"),
        # cursors of our own form with values of others: ["w", 1, 10**30], ["c", 10**30], ["p", "x", 1]
        ("after=WyJ3IiwxLDEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ==", "after"),
        ("after=WyJjIiwxMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMF0=", "after"),
        ("after=WyJwIiwieCIsMV0=", "after"),
    ],
)
def test_nonsense_is_refused_by_name(client: Client, path: str, query: str, name: str) -> None:
    """On every route."""
    reply = client.app.test_client().get(f"{path}?{query}")
    assert reply.status_code == 400, reply.text
    assert name in check_http_error(reply.data)["message"]


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/api/history/BTC", "interval=5m", "interval"),
        ("/api/history/BTC", "source=kraken", "source"),
        ("/api/news", "interval=1m", "interval"),
        ("/api/news", "q=", "q"),
        ("/api/news", "q=" + "x" * 101, "q"),
        ("/api/news", "q=%00", "q"),
        ("/api/whales", "min_value=-1", "min_value"),
        ("/api/whales", "min_value=nan", "min_value"),
        ("/api/whales", "min_value=1e999", "min_value"),
    ],
)
def test_nonsense_of_one_route(client: Client, path: str, query: str, name: str) -> None:
    """Each has its own parameters."""
    reply = client.app.test_client().get(f"{path}?{query}")
    assert reply.status_code == 400, reply.text
    assert name in check_http_error(reply.data)["message"]


def test_message_about_nonsense_is_short(client: Client) -> None:
    """It does not give back all that it was sent."""
    assert len(client.refusal("/api/news", **{"x" * 5000: 1})) < 300


# An archive that cannot be read


def test_archive_that_is_off(tmp_path: Path) -> None:
    """Says so, as something that may change."""
    client = Client(tmp_path, ArchiveSettings(enabled=False))
    for path in ("/api/history/BTC", "/api/news", "/api/whales"):
        for form in ("json", "csv"):
            reply = client.get(path, format=form)
            assert reply.status_code == 503
            error = check_http_error(reply.data)
            assert (error["code"], error["temporary"]) == ("service_unavailable", True)
            assert "ARCHIVE_ENABLED" in error["message"]
    client.archive.close()


def test_archive_that_breaks(client: Client) -> None:
    """While the service runs: 503 with a reason, not 500."""
    connection = sqlite3.connect(client.archive.path)
    connection.execute("DROP TABLE whales")
    connection.close()
    reply = client.get("/api/whales")
    assert reply.status_code == 503
    assert "whales" in check_http_error(reply.data)["message"]
    assert client.get("/api/news").status_code == 200


def test_client_that_asks_for_too_much_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the one who is refused, and told when to come back; a client of another address is served meanwhile."""
    monkeypatch.setattr(reads, "WAITING_PER_READER", 1)
    gate = NativeGate()
    for _ in range(2):
        green.spawn(lambda: client.archive.read(lambda _: gate.wait(), reader="127.0.0.1"))
    wait_until(gate.is_reached, "the first read has begun")
    refused = client.get("/api/news", q="x")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert check_http_error(refused.data)["temporary"] is True
    other = client.app.test_client().get("/api/news?q=x", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code == 200
    gate.open()


def test_stream_waits_for_a_busy_archive(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has begun, so it can only go on or break off."""
    monkeypatch.setattr(api_module, "STREAM_ROWS", 50)
    monkeypatch.setattr(api_module, "STREAM_PAUSES_S", (0.01, 0.01))
    read, calls = client.archive.read, []

    def read_or_refuse(query: Any, **options: Any) -> Any:
        calls.append(query)
        if len(calls) in busy:
            raise ArchiveUnavailable("The archive is busy with other reads.")
        return read(query, **options)

    monkeypatch.setattr(client.archive, "read", read_or_refuse)
    busy = {2, 3}
    assert len(csv_rows(client.get("/api/history/BTC", interval="raw", format="csv"))) == 130
    calls.clear()
    busy = {2, 3, 4}
    with pytest.raises(ArchiveUnavailable):
        client.get("/api/history/BTC", interval="raw", format="csv").get_data()


def test_stream_over_a_real_connection(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk by chunk, while others are answered."""
    monkeypatch.setattr(api_module, "STREAM_ROWS", 10)
    with serving(client.app) as server:
        address = f"{server.address}/api/history/BTC?interval=raw"
        as_csv = get(f"{address}&format=csv")
        assert as_csv.headers["Transfer-Encoding"] == "chunked"
        assert as_csv.body.decode().count("\n") == 131
        assert len(json.loads(get(address).body)["data"]["rows"]) == 130
