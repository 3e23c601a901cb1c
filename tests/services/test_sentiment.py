"""The service ``sentiment`` over stub providers and published news: parts, weights, labels, and what is missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import pytest

from tests.services.doubles import NOW, Clock, DictCache, JobList, StubProvider, context_of, jobs_of
from websocket import codec
from websocket.errors import AccessRefused, RateLimited, SettingsError, UnknownSymbol
from websocket.news_records import FearGreed, TrendingCoin, Votes
from websocket.providers.base import Answer, Request
from websocket.records import to_rfc3339
from websocket.services.crypto_lexicon import CRYPTO_LEXICON
from websocket.services.headline_mood import mood_of
from websocket.services.sentiment import SentimentService
from websocket.services.sentiment_payload import MoodPart, Sentiment
from websocket.settings import SentimentSettings, Settings, load_settings

GOOD = "Bitcoin surges to a new all-time high as inflows soar"
BAD = "Exchange hacked, Ethereum crashes amid liquidations"

SETTINGS = dataclasses.replace(
    Settings(),
    sentiment=SentimentSettings(
        index_providers=("moods",),
        vote_providers=("moods",),
        trend_providers=("moods",),
        model_providers=("huggingface_inference",),
        models=("first/model", "second/model"),
        model_batch=4,
    ),
)


class StubMoods(StubProvider):
    """Knows the index, the votes and the trends that a test wrote into it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.index = FearGreed(source=name, value=25.0, label="Extreme Fear", time=NOW - 3600)
        self.votes = {symbol: self.vote(symbol, 80.0) for symbol in ("BTC", "ETH")}
        self.coins = [self.coin(1, "Pepe Coin X", "PCX"), self.coin(2, "Ethereum", "ETH")]

    def vote(self, symbol: str, up: float | None, as_of: float = NOW) -> Votes:
        down = None if up is None else 100 - up
        return Votes(source=self.name, symbol=symbol, up_percent=up, down_percent=down, as_of=as_of)

    def coin(self, rank: int, name: str, symbol: str, **facts: Any) -> TrendingCoin:
        return TrendingCoin(
            source=self.name, coin_id="x", name=name, symbol=symbol, rank=rank, **{"as_of": NOW, **facts}
        )

    def fear_greed_requests(self) -> Sequence[Request]:
        return [self.request("fng")]

    def parse_fear_greed(self, answers: Sequence[Answer]) -> FearGreed:
        return self.index

    def votes_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        return [self.request("votes", symbol) for symbol in symbols]

    def parse_votes(self, answers: Sequence[Answer]) -> list[Votes]:
        return [self.votes[answer.request.path[1:]] for answer in answers]

    def trending_requests(self) -> Sequence[Request]:
        return [self.request("trending")]

    def parse_trending(self, answers: Sequence[Answer]) -> list[TrendingCoin]:
        return self.coins


class StubModels(StubProvider):
    """Runs models that call headlines good or bad, or say what a test wrote into it; off without a key."""

    def __init__(self, *, is_configured: bool) -> None:
        super().__init__("huggingface_inference")
        self.is_configured = is_configured
        self.judged: list[list[str]] = []
        self.moods: dict[str, float | None] = {GOOD: 0.6, BAD: -0.8}

    def mood_request(self, model: str, texts: Sequence[str]) -> Request:
        return msgspec.structs.replace(self.request("classify", model), body=list(texts), symbols=(model,))

    def parse_moods(self, answers: Sequence[Answer]) -> list[float | None]:
        titles = answers[0].request.body
        self.judged.append(titles)
        return [self.moods.get(title.partition(" #")[0], 0.0) for title in titles]


class World:
    """The service, its provider, and the news that it listens to."""

    def __init__(
        self, clock: Clock, settings: Settings = SETTINGS, *, with_key: bool = False, cache: DictCache | None = None
    ) -> None:
        self.clock = clock
        self.moods = StubMoods("moods")
        self.models = StubModels(is_configured=with_key)
        self.context = context_of([self.moods, self.models], clock, settings=settings, cache=cache)
        self.service = SentimentService(self.context)
        self.jobs: JobList = jobs_of(self.service)

    def news(self, *titles: str, published_at: float | None = None, as_of: float | None = None) -> None:
        """What the service ``news`` publishes."""
        stands = to_rfc3339(self.clock() if as_of is None else as_of)
        time = to_rfc3339(self.clock() - 60 if published_at is None else published_at)
        self.context.broker.publish(
            "news",
            {
                "articles": [
                    {"id": f"{title}@{place}", "title": title, "published_at": time, "seen_at": time}
                    for place, title in enumerate(titles)
                ],
                "parts": {"feed": {"as_of": stands, "status": "live"}, "other": {"as_of": None}},
            },
        )

    def run(self, *names: str) -> Sentiment:
        """Runs jobs, all refreshes unless some are named; gives what is published then."""
        for name in names or ("index", "votes", "trending", "headlines"):
            self.jobs.jobs[f"sentiment_{name}_collection"]()
        self.jobs.jobs["publish_sentiment"]()
        publication = self.context.broker.last("sentiment")
        assert publication is not None
        return msgspec.convert(codec.decode(publication.body), Sentiment)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


class TestScore:
    def test_interval_and_shape(self, world: World) -> None:
        """Published every 30 s, with the documented keys."""
        world.news(*[GOOD] * 5)
        payload = world.run()
        assert world.jobs.intervals["publish_sentiment"] == 30
        assert payload.status == "live"
        publication = world.context.broker.last("sentiment")
        assert publication is not None
        assert {
            "overall_sentiment",
            "sentiment_score",
            "social_volume",
            "trending_topics",
            "sentiment_by_source",
        } <= publication.data.keys()

    def test_mean_by_weights(self, world: World) -> None:
        """Index 0.25 at 0.4, headlines at 0.4, votes 0.8 at 0.2."""
        world.news(*[GOOD] * 10)
        payload = world.run()
        headlines = (1 + mood_of(GOOD)) / 2
        assert payload.sentiment_score == pytest.approx(0.4 * 0.25 + 0.4 * headlines + 0.2 * 0.8, abs=1e-3)
        assert {name: part.weight for name, part in payload.source_details.items()} == {
            "fear_greed": 0.4,
            "headlines": 0.4,
            "votes": 0.2,
            "model": 0.0,
        }
        assert payload.source_details["fear_greed"].label == "Extreme Fear"
        assert payload.source_details["votes"].items == 2
        assert payload.sentiment_by_source == {
            "fear_greed": 0.25,
            "headlines": pytest.approx(headlines, abs=1e-3),
            "votes": 0.8,
        }

    def test_missing_part_leaves_its_weight_to_the_others(self, world: World) -> None:
        """And the service says that it is not whole."""
        payload = world.run()
        assert payload.status == "starting"
        assert payload.sentiment_score == pytest.approx((0.4 * 0.25 + 0.2 * 0.8) / 0.6, abs=1e-3)
        part = payload.source_details["headlines"]
        assert (part.score, part.weight, part.status) == (None, 0.0, "starting")
        assert payload.sentiment_by_source == {"fear_greed": 0.25, "votes": 0.8}

    def test_nothing_is_null(self, world: World) -> None:
        """Not neutral."""
        world.moods.is_down = True
        payload = world.run()
        assert (payload.status, payload.sentiment_score, payload.overall_sentiment) == ("down", None, None)
        assert (payload.social_volume, payload.trending_topics) == (None, [])
        assert "no answer" in (payload.reason or "")

    @pytest.mark.parametrize(
        ("value", "mood"),
        [
            (100, "bullish"),
            (55, "bullish"),
            (54, "neutral"),
            (50, "neutral"),
            (46, "neutral"),
            (45, "bearish"),
            (0, "bearish"),
        ],
    )
    def test_labels(self, world: World, value: float, mood: str) -> None:
        """Bullish from 0.55 on, bearish up to 0.45."""
        world.moods.index = msgspec.structs.replace(world.moods.index, value=value)
        payload = world.run("index")
        assert (payload.sentiment_score, payload.overall_sentiment) == (value / 100, mood)

    def test_weights_of_zero_are_visible_but_do_not_count(self, clock: Clock) -> None:
        """Whatever the operator sets."""
        settings = dataclasses.replace(SETTINGS.sentiment, index_weight=0.0)
        world = World(clock, dataclasses.replace(SETTINGS, sentiment=settings))
        payload = world.run()
        assert payload.sentiment_score == 0.8
        assert payload.source_details["fear_greed"].score == 0.25

    def test_old_parts_do_not_count_beside_live_ones(self, world: World, clock: Clock) -> None:
        """They stay visible with their age; when all are old they count again, and the service is stale."""
        world.news(*[GOOD] * 5)
        world.run()
        clock.advance(2 * 86_400)
        world.moods.is_down = True
        payload = world.run()
        assert payload.status == "stale"
        assert payload.sentiment_score is not None
        world.moods.is_down = False
        clock.advance(120)
        world.moods.index = msgspec.structs.replace(world.moods.index, value=60.0, time=clock())
        payload = world.run("index")
        assert payload.status == "degraded"
        assert payload.sentiment_score == 0.6
        assert (payload.source_details["votes"].status, payload.source_details["votes"].weight) == (
            "stale",
            0.0,
        )

    def test_recovers(self, world: World, clock: Clock) -> None:
        """A failure is tried again soon, not after an hour."""
        world.moods.is_down = True
        world.news(*[GOOD] * 5)
        assert world.run().status == "degraded"
        world.moods.is_down = False
        clock.advance(400)
        world.news(*[GOOD] * 5)
        assert world.run().status == "live"

    def test_pace(self, world: World, clock: Clock) -> None:
        """The index is asked for once an hour, votes every half hour with a request a coin."""
        for _ in range(100):
            world.run("index", "votes")
            clock.advance(30)
        assert world.moods.asked.count("fng/") == 1
        assert world.moods.asked.count("votes/BTC") == 2

    def test_publishing_asks_nobody(self, world: World) -> None:
        """However little is known."""
        world.jobs.jobs["publish_sentiment"]()
        assert world.moods.asked == []


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"SENTIMENT_BEARISH_TO": "0.6"}, "SENTIMENT_BEARISH_TO"),
        (
            {f"SENTIMENT_{part}_WEIGHT": "0" for part in ("INDEX", "HEADLINE", "VOTE", "MODEL")},
            "SENTIMENT_INDEX_WEIGHT",
        ),
        ({"SENTIMENT_TREND_PROVIDERS": "nobody"}, "SENTIMENT_TREND_PROVIDERS"),
        ({"SENTIMENT_MODELS": "ProsusAI/finbert,../../whoami"}, "SENTIMENT_MODELS"),
        ({"SENTIMENT_MODELS": "finbert"}, "SENTIMENT_MODELS"),
        ({"HF_TOKEN": "hf_x\nHost: evil.example"}, "HF_TOKEN"),
    ],
)
def test_settings_that_contradict_each_other(environ: dict[str, str], name: str) -> None:
    """They are refused at the start, by their name."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    assert refused.value.name == name


class TestHeadlines:
    def test_volume_counts_the_last_day(self, world: World, clock: Clock) -> None:
        """What is older, or from the future, is not looked at."""
        world.news(*[GOOD] * 7)
        assert world.run("headlines").social_volume == 7
        world.news(*[GOOD] * 7, published_at=clock() - 90_000)
        assert world.run("headlines").social_volume == 0
        world.news(*[GOOD] * 7, published_at=clock() + 90_000)
        assert world.run("headlines").social_volume == 0

    def test_few_headlines_say_nothing(self, world: World) -> None:
        """Four are no mood of a market."""
        world.news(*[GOOD] * 4)
        payload = world.run("headlines")
        assert payload.source_details["headlines"].score is None
        assert payload.parts["headlines"].reason == "only 4 headlines of the last 24 hours"

    def test_age_is_that_of_the_feeds(self, world: World, clock: Clock) -> None:
        """A news service that publishes old articles for ever does not make them new."""
        world.news(*[GOOD] * 5, as_of=clock() - 7200)
        payload = world.run("headlines")
        assert payload.parts["headlines"].status == "stale"
        assert payload.parts["headlines"].as_of == to_rfc3339(clock() - 7200)

    @pytest.mark.parametrize("data", [{"status": "unconfigured"}, {"articles": 3}, [], None])
    def test_news_without_articles(self, world: World, data: Any) -> None:
        """A news service that has no source is a reason, not an error."""
        world.context.broker.publish("news", data)
        assert world.run("headlines").parts["headlines"].reason == "there are no news"

    @pytest.mark.parametrize(
        ("headline", "sign"),
        [
            (GOOD, 1),
            (BAD, -1),
            ("SEC approves spot Solana ETF", 1),
            ("Protocol drained of 40M in exploit", -1),
            ("Stablecoin depegs as issuer faces insolvency", -1),
            ("Bitcoin miners report block count", 0),
            ("Grayscale Trust files security form", 0),
            ("", 0),
        ],
    )
    def test_lexicon(self, headline: str, sign: int) -> None:
        """Crypto words sound as they do to those who trade, and terms of the trade say nothing."""
        mood = mood_of(headline)
        assert (mood > 0.05) - (mood < -0.05) == sign

    def test_lexicon_keeps_to_its_scale(self) -> None:
        """Lower case, single words, from -4 to 4."""
        assert all(-4 <= value <= 4 for value in CRYPTO_LEXICON.values())
        assert all(word == word.lower() and " " not in word for word in CRYPTO_LEXICON)


class TestTrending:
    def test_searched_then_talked_of(self, world: World) -> None:
        """Coins by rank with their mentions, then what is most in the headlines and not named yet."""
        world.news(GOOD, GOOD, BAD, "Pepe Coin X is listed", "ETF day for BTC", "Spot ETF news")
        payload = world.run()
        topics = payload.trending_topic_details
        assert payload.trending_topics == [topic.topic for topic in topics]
        assert [(topic.topic, topic.rank, topic.mentions) for topic in topics[:3]] == [
            ("Pepe Coin X", 1, 1),
            ("Ethereum", 2, 1),
            ("Bitcoin", None, 3),
        ]
        assert ("ETF", None, 2) in [(topic.topic, topic.symbol, topic.mentions) for topic in topics]

    def test_without_headlines_mentions_are_not_known(self, world: World) -> None:
        """Null, not zero."""
        assert [topic.mentions for topic in world.run("trending").trending_topic_details] == [None, None]

    def test_hostile_coins(self, world: World) -> None:
        """No markup, no numbers that are none."""
        world.moods.coins = [
            world.moods.coin(1, "<img src=x>Evil", "<b>E</b>", change_percent_24h=float("nan")),
            world.moods.coin(2, "(((" * 50, "a|b", change_percent_24h=12.345),
        ]
        world.news(*[GOOD] * 5)
        first, second = world.run().trending_topic_details[:2]
        assert (first.topic, first.symbol, first.change_percent_24h) == ("Evil", "E", None)
        assert (len(second.topic), second.change_percent_24h) == (60, 12.35)


class TestHostileContent:
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 101.0])
    def test_absurd_index_is_refused(self, world: World, value: float) -> None:
        """It is a failure of its source."""
        world.moods.index = msgspec.structs.replace(world.moods.index, value=value)
        payload = world.run("index")
        assert payload.sentiment_score is None
        assert "outside of 0 to 100" in (payload.parts["fear_greed"].reason or "")

    def test_index_from_the_future_is_refused(self, world: World) -> None:
        """It would hide every later one."""
        world.moods.index = msgspec.structs.replace(world.moods.index, time=NOW + 86_400)
        assert world.run("index").parts["fear_greed"].status == "down"

    def test_absurd_votes_are_left_out(self, world: World) -> None:
        """Null, out of range or no number; the others count."""
        world.moods.votes["BTC"] = world.moods.vote("BTC", 900.0)
        assert world.run("votes").source_details["votes"].score == 0.8

    def test_no_vote_at_all_is_a_failure(self, world: World) -> None:
        """Not a half."""
        world.moods.votes = {"BTC": world.moods.vote("BTC", None), "ETH": world.moods.vote("ETH", float("nan"))}
        payload = world.run("votes")
        assert payload.source_details["votes"].score is None
        assert "not one vote" in (payload.parts["votes"].reason or "")


class TestModel:
    """What a language model makes of the headlines."""

    @pytest.fixture
    def world(self, clock: Clock) -> World:
        """With a key."""
        return World(clock, with_key=True)

    def part(self, payload: Sentiment) -> MoodPart:
        """The part of the model."""
        return payload.source_details["model"]

    def test_off_without_a_key(self, clock: Clock) -> None:
        """It says what is missing, nobody is asked, and the rest is live."""
        world = World(clock)
        world.news(*[GOOD] * 6)
        payload = world.run()
        assert "sentiment_model_collection" not in world.jobs.jobs
        assert (payload.status, payload.parts["model"].status) == ("live", "unconfigured")
        assert payload.parts["model"].reason == "off: needs HF_TOKEN"
        assert (self.part(payload).score, self.part(payload).weight) == (None, 0.0)

    def test_headlines_are_judged_once(self, world: World, clock: Clock) -> None:
        """The newest first, so many in a request, and never again."""
        titles = [f"{GOOD} #{number}" for number in range(6)]
        world.news(*titles)
        assert world.run("model").parts["model"].reason == "only 4 judged headlines of the last 24 hours"
        clock.advance(1800)
        payload = world.run("model")
        assert [len(batch) for batch in world.models.judged] == [4, 2]
        assert sorted(title for batch in world.models.judged for title in batch) == titles
        part = self.part(payload)
        assert (part.score, part.items, part.label, part.source, part.status) == (
            0.8, 6, "first/model", "huggingface_inference", "live",
        )  # fmt: skip
        for _ in range(50):
            clock.advance(200)
            world.run("model")
        assert len(world.models.judged) == 2

    def test_weight(self, world: World, clock: Clock) -> None:
        """One part more in the mean: index 0.25, votes 0.8, headlines, and the model's 0.1."""
        world.news(*[BAD] * 8)
        world.run()
        for _ in range(2):
            world.run("model")
            clock.advance(1800)
        world.news(*[BAD] * 8)
        payload = world.run("headlines", "votes")
        headlines = (1 + mood_of(BAD)) / 2
        assert self.part(payload).score == pytest.approx(0.1)
        assert self.part(payload).weight == pytest.approx(0.4 / 1.4, abs=1e-4)
        expected = (0.4 * 0.25 + 0.4 * headlines + 0.2 * 0.8 + 0.4 * 0.1) / 1.4
        assert payload.sentiment_score == pytest.approx(expected, abs=1e-3)

    def test_pace(self, world: World, clock: Clock) -> None:
        """Headlines come by the minute, requests every half hour: they are paid."""
        assert world.jobs.intervals["sentiment_model_collection"] == 180
        for number in range(40):
            world.news(*[f"{GOOD} #{number}.{place}" for place in range(9)])
            world.run("model")
            clock.advance(180)
        assert len(world.models.judged) == 4

    def test_a_model_that_is_not_served_is_passed_over(self, world: World, clock: Clock) -> None:
        """The next one judges, and the first is not asked again on the same day."""
        first = "classify/first/model"
        world.models.answers[first] = UnknownSymbol("huggingface_inference", "classify", "gone", ["first/model"])
        for round_number in range(3):
            world.news(*[f"{GOOD} #{round_number}.{place}" for place in range(4)])
            world.run("model")
            clock.advance(1800)
        assert world.models.asked.count(first) == 1
        assert len(world.models.judged) == 3

    def test_no_model_is_served(self, world: World) -> None:
        """Which is told."""
        for model in ("first/model", "second/model"):
            world.models.answers[f"classify/{model}"] = UnknownSymbol("huggingface_inference", "x", "gone", [model])
        world.news(*[GOOD] * 6)
        assert "serves none of the models" in (world.run("model").parts["model"].reason or "")

    @pytest.mark.parametrize(
        ("error", "asked"),
        [
            (AccessRefused("huggingface_inference", "classify", "the credit of this month is used up", 402), 1),
            (RateLimited("huggingface_inference", "classify", "the model is being loaded", 503, 20), 3),
        ],
    )
    def test_refusals(self, world: World, clock: Clock, error: Exception, asked: int) -> None:
        """Spent credit is left alone for an hour; a model that is loaded is asked again soon."""
        world.models.answers["classify"] = error
        world.news(*[GOOD] * 6)
        for _ in range(3):
            reason = world.run("model").parts["model"].reason or ""
            clock.advance(200)
        assert len(world.models.asked) == asked
        assert str(error).rpartition(": ")[2] in reason

    def test_what_was_judged_stays_while_the_model_is_away(self, world: World, clock: Clock) -> None:
        """With its age; when headlines wait for too long it is stale and counts no more."""
        world.news(*[GOOD] * 4)
        world.run("model")
        clock.advance(1800)
        world.news(*[GOOD] * 8)
        world.run("model")
        judged_at = clock()
        world.models.is_down = True
        clock.advance(1800)
        world.news(*[f"{BAD} #{place}" for place in range(3)], *[GOOD] * 8)
        payload = world.run("model", "index")
        assert (self.part(payload).score, self.part(payload).status) == (0.8, "live")
        assert self.part(payload).as_of == to_rfc3339(judged_at)
        clock.advance(7000)
        payload = world.run("model", "index")
        assert (self.part(payload).status, self.part(payload).weight) == ("stale", 0.0)
        assert "no answer" in (payload.parts["model"].reason or "")

    def test_quiet_days_are_as_young_as_the_news(self, world: World, clock: Clock) -> None:
        """Nothing new to judge does not make what was judged old; news that are not read any more do."""
        world.news(*[GOOD] * 4)
        world.run("model")
        clock.advance(1800)
        world.news(*[GOOD] * 6)
        world.run("model")
        clock.advance(9000)
        world.news(*[GOOD] * 6)
        payload = world.run("model", "headlines")
        assert (self.part(payload).status, self.part(payload).as_of) == ("live", to_rfc3339(clock()))
        clock.advance(9000)
        assert self.part(world.run("model", "headlines")).status == "stale"

    @pytest.mark.parametrize("data", [{"status": "unconfigured"}, {"articles": 3}, None])
    def test_without_news_nobody_is_asked(self, world: World, data: Any) -> None:
        """There is nothing to pay for."""
        world.context.broker.publish("news", data)
        assert world.run("model", "headlines").parts["model"].reason == "there are no news"
        assert world.models.asked == []

    @pytest.mark.parametrize("mood", [7.0, -1.5, float("nan"), float("inf")])
    def test_absurd_moods_are_a_failure(self, world: World, mood: float) -> None:
        """Of whoever said so; nothing of it is kept."""
        world.models.moods[GOOD] = mood
        world.news(*[GOOD] * 6)
        payload = world.run("model")
        assert "moods that cannot be" in (payload.parts["model"].reason or "")
        assert self.part(payload).score is None

    def test_headlines_without_a_believable_mood_are_not_asked_about_again(self, world: World, clock: Clock) -> None:
        """They were paid for once."""
        world.models.moods[BAD] = None
        world.news(*[BAD] * 2, *[GOOD] * 6)
        for _ in range(4):
            payload = world.run("model")
            clock.advance(1800)
        assert sorted(len(batch) for batch in world.models.judged) == [4, 4]
        assert (self.part(payload).score, self.part(payload).items) == (0.8, 6)

    def test_restart(self, clock: Clock) -> None:
        """What was paid for is kept, and judged headlines count at once."""
        cache = DictCache()
        world = World(clock, with_key=True, cache=cache)
        world.news(*[GOOD] * 8)
        world.run("model")
        clock.advance(1800)
        world.run("model")
        again = World(clock, with_key=True, cache=cache)
        again.news(*[GOOD] * 8)
        payload = again.run("model", "headlines")
        assert again.models.asked == []
        assert (self.part(payload).score, self.part(payload).items) == (0.8, 8)

    @pytest.mark.parametrize(
        "kept", [b"", b"[]", b'{"x": 3}', b'{"x": {"mood": 9, "model": "m", "source": "s", "at": 0}}']
    )
    def test_what_cannot_be_read_is_judged_anew(self, clock: Clock, kept: bytes) -> None:
        """A broken file costs a request, and nothing else."""
        cache = DictCache()
        cache.put("headline_model", kept)
        world = World(clock, with_key=True, cache=cache)
        world.news(*[GOOD] * 4)
        world.run("model")
        assert len(world.models.judged) == 1
