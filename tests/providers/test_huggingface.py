"""Hugging Face: lists of the hub, pages that lead nowhere else, and what models say about headlines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.providers.recorded import RECEIVED_AT, answer, make_any, recording
from websocket.errors import AccessRefused, BadPayload, RateLimited, UnknownSymbol, UpstreamStatus
from websocket.model_records import RepoPage
from websocket.providers.base import Answer, parse_iso_time
from websocket.settings import Secret, Url

TOKEN = Secret("hf_k-123")
FINBERT = "ProsusAI/finbert"

hub = make_any("huggingface")
inference = make_any("huggingface_inference", api_key=TOKEN)


def page(payload: Any, link: str = "", *, kind: str = "model", provider: Any = hub) -> RepoPage:
    """A page with some rows and some Link header."""
    request = provider.list_request(kind, "crypto")
    found: RepoPage = provider.parse_list(
        kind, [Answer(request=request, payload=payload, received_at=RECEIVED_AT, headers={"link": link})]
    )
    return found


def row(**changes: Any) -> dict[str, Any]:
    """A row that is fine but for the changes."""
    return {"id": "a/b", "downloads": 5, "likes": 1, "private": False, **changes}


class TestLists:
    def test_request(self) -> None:
        """One term, the most downloaded first, and only the fields that are read."""
        request = hub.list_request("model", "crypto")
        params = dict(request.params)
        assert request.path == "/models"
        assert (params["search"], params["sort"], params["direction"], params["limit"]) == (
            "crypto", "downloads", "-1", "500",
        )  # fmt: skip
        assert ("expand[]", "inference") in request.params
        assert "cursor" not in params
        datasets = hub.list_request("dataset", "crypto", "abc")
        assert (datasets.path, dict(datasets.params)["cursor"]) == ("/datasets", "abc")
        assert ("expand[]", "inference") not in datasets.params

    def test_models_are_read(self) -> None:
        """Null is not known, and a private one is nobody's business."""
        finbert, cryptobert, legacy = page(recording("huggingface", "models")).repos
        assert (finbert.id, finbert.author, finbert.downloads, finbert.likes) == (FINBERT, "ProsusAI", 4218823, 1061)
        assert finbert.url == "https://huggingface.co/ProsusAI/finbert"
        assert (finbert.pipeline_tag, finbert.gated, finbert.served) == ("text-classification", False, True)
        assert finbert.last_modified == parse_iso_time("2023-05-23T12:43:35Z")
        assert (cryptobert.gated, cryptobert.served) == (True, None)
        assert (legacy.author, legacy.downloads, legacy.last_modified, legacy.served) == (None, None, None, False)

    def test_datasets_are_read(self) -> None:
        """Their pages are elsewhere."""
        tweets, orders = page(recording("huggingface", "datasets"), kind="dataset").repos
        assert tweets.url == "https://huggingface.co/datasets/tickstream/crypto-tweets"
        assert (tweets.downloads, tweets.pipeline_tag, tweets.served) == (15023, None, None)
        assert orders.gated is True

    def test_with_a_token_only_what_is_said_to_be_public(self) -> None:
        """The owner of the token sees private rows; clients must not."""
        known = make_any("huggingface", api_key=TOKEN)
        rows = [row(id="a/open"), row(id="a/closed", private=True), {"id": "a/unsaid"}]
        assert [repo.id for repo in page(rows, provider=known).repos] == ["a/open"]
        assert [repo.id for repo in page(rows).repos] == ["a/open", "a/unsaid"]
        assert page([row(private=True)], provider=known).repos == ()

    @pytest.mark.parametrize(
        "name",
        [
            "", "a/../b", "..", "a/b/c", "a b", "a/b?x=1", "a/b#x", "javascript:alert(1)", "<b>", "a/b\n", "/b", "a/",
            "é/b", "a" * 97, 3, None, ["a/b"], "-a/b", "%2e/b",
        ],
    )  # fmt: skip
    def test_names_that_are_none_are_left_out(self, name: Any) -> None:
        """Addresses are made of them."""
        assert [repo.id for repo in page([row(id=name), row()]).repos] == ["a/b"]
        with pytest.raises(BadPayload):
            page([row(id=name)])

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *[(field, value) for field in ("downloads", "likes") for value in (-1, 1.5, "NaN", 2**60, [], True)],
            *[("pipeline_tag", value) for value in ("<script>", "", 3, "A B", "x" * 61)],
            *[("last_modified", value) for value in ("2999-01-01T00:00:00Z", "soon", 3)],
            *[("gated", value) for value in ("no", 0.5, [])],
            *[("served", value) for value in (3, {})],
        ],
    )
    def test_values_that_cannot_be_are_not_known(self, field: str, value: Any) -> None:
        """The rest of the row stays."""
        key = {"last_modified": "lastModified", "served": "inference"}.get(field, field)
        (repo,) = page([row(**{key: value})]).repos
        assert msgspec.structs.asdict(repo)[field] is None

    @pytest.mark.parametrize("payload", [None, {}, "x", 3, [1, None, "a"], [[]]])
    def test_other_shapes_are_refused(self, payload: Any) -> None:
        """And so are lists without one row that can be read."""
        with pytest.raises(BadPayload):
            page(payload)

    def test_an_empty_list_is_one(self) -> None:
        """Nothing was found; and a thing that is listed twice is one."""
        assert page([]).repos == ()
        assert len(page([row(), row(downloads=9)]).repos) == 1

    def test_more_rows_than_asked_for_are_not_read(self) -> None:
        """However long the list is."""
        assert len(page([row(id=f"a/b{number}") for number in range(900)]).repos) == 500


class TestPages:
    OURS = "https://huggingface.co/api/models?search=crypto&cursor=eyJ4Ijo1fQ%3D%3D"

    def test_cursor_of_the_next_page(self) -> None:
        """It goes into a request of our own, whatever else the link holds."""
        found = page([row()], f'<{self.OURS}&evil=1>; rel="next"')
        assert (found.has_more, found.cursor) == (True, "eyJ4Ijo1fQ==")
        request = hub.list_request("model", "crypto", found.cursor)
        assert dict(request.params)["cursor"] == "eyJ4Ijo1fQ=="
        assert "evil" not in dict(request.params)

    @pytest.mark.parametrize("link", ["", '<https://huggingface.co/api/models?cursor=x>; rel="prev"', "nonsense", "<>"])
    def test_last_page(self, link: str) -> None:
        """There is no more."""
        found = page([row()], link)
        assert (found.has_more, found.cursor) == (False, None)

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/api/models?cursor=x",
            "http://huggingface.co/api/models?cursor=x",
            "https://huggingface.co.evil.example/api/models?cursor=x",
            "https://huggingface.co@evil.example/api/models?cursor=x",
            "https://user@huggingface.co/api/models?cursor=x",
            "https://huggingface.co:8443/api/models?cursor=x",
            "https://huggingface.co/api/models/../whoami?cursor=x",
            "https://huggingface.co/api/datasets?cursor=x",
            "//evil.example/api/models?cursor=x",
            "/api/models?cursor=x",
            "https://huggingface.co/api/models",
            "https://huggingface.co/api/models?cursor=",
            "https://huggingface.co/api/models?cursor=x&cursor=y",
            "https://huggingface.co/api/models?cursor=%0d%0aHost:evil",
            "https://huggingface.co/api/models?cursor=" + "x" * 1001,
            "https://[::1/api/models?cursor=x",
            "https://huggingface.co/api/models?" + "a=1&" * 200 + "cursor=x",
        ],
    )
    def test_links_elsewhere_are_not_followed(self, address: str) -> None:
        """Then there is more, which is told, and which nobody fetches."""
        found = page([row()], f'<{address}>; rel="next"')
        assert (found.has_more, found.cursor) == (True, None)

    def test_address_of_the_settings_counts(self) -> None:
        """A mirror's pages are on the mirror."""
        mirror = make_any("huggingface", url=Url("http://localhost:8900/huggingface/api"))
        link = '<http://localhost:8900/huggingface/api/models?cursor=x>; rel=next; title="a, b"'
        assert page([row()], link, provider=mirror).cursor == "x"

    def test_second_of_two_links(self) -> None:
        """They may come in one header."""
        link = f'<https://huggingface.co/api/models?cursor=0>; rel="prev", <{self.OURS}>; rel="next"'
        assert page([row()], link).cursor == "eyJ4Ijo1fQ=="

    @pytest.mark.parametrize("link", ["<" * 9000, "<a>;" * 2500, '<a>; rel="' * 900, "<a>" + "; x=1" * 2000])
    def test_long_headers_cost_nothing(self, link: str) -> None:
        """They are read once."""
        assert page([row()], link).cursor is None


class TestAccess:
    def test_one_token_for_both(self) -> None:
        """It travels as a header and nowhere else; the lists go without, too."""
        known = make_any("huggingface", api_key=TOKEN)
        for provider in (known, inference):
            assert provider.headers() == {"Authorization": "Bearer hf_k-123"}
        assert hub.headers() == {}
        assert "hf_k-123" not in str(known.list_request("model", "crypto"))

    def test_401_is_about_the_token_only_where_one_is_sent(self) -> None:
        """A stranger gets it for what is private or missing; that is no reason to be parked."""
        request, body = hub.list_request("model", "crypto"), recording("huggingface", "error_401")
        assert type(hub.error_in(request, 401, body)) is UpstreamStatus
        refused = make_any("huggingface", api_key=TOKEN).error_in(request, 401, body)
        assert isinstance(refused, AccessRefused)
        assert "HF_TOKEN" in refused.reason
        for status, name in ((404, "error_404"), (429, "error_429"), (200, "models")):
            assert hub.error_in(request, status, recording("huggingface", name)) is None


class TestInference:
    def test_request(self) -> None:
        """Several texts are a list, one is itself; the model is what a refusal is about."""
        request = inference.mood_request(FINBERT, ["a", "b" * 900])
        assert (request.path, request.symbols) == ("/models/ProsusAI/finbert", (FINBERT,))
        assert request.body == {"inputs": ["a", "b" * 300], "parameters": {"top_k": 5}}
        assert inference.mood_request(FINBERT, ["a"]).body["inputs"] == "a"

    def moods(self, payload: Any, *texts: str) -> Any:
        return inference.parse_moods([answer(inference.mood_request(FINBERT, texts), payload)])

    def test_several_texts(self) -> None:
        """The balance of good and bad."""
        moods = self.moods(recording("huggingface_inference", "classify"), "up", "down")
        assert moods == pytest.approx([0.9225, -0.8612])

    @pytest.mark.parametrize(("name", "mood"), [("classify_single", 0.75), ("classify_single_nested", 0.1)])
    def test_one_text(self, name: str, mood: float) -> None:
        """Some models nest the answer once more; labels of both kinds are known."""
        payload = recording("huggingface_inference", name)
        assert self.moods(payload, "x") == pytest.approx([mood])
        assert self.moods([[payload]] if name.endswith("nested") else payload, "x") == pytest.approx([mood])

    @pytest.mark.parametrize(
        "bad",
        [
            [],
            None,
            [{"label": "LABEL_0", "score": 1.0}],
            [{"label": "positive", "score": 7.0}],
            [{"label": "positive", "score": -0.1}, {"label": "negative", "score": 1.0}],
            [{"label": "positive", "score": float("nan")}],
            [{"label": "positive", "score": None}],
            [{"label": "positive", "score": True}],
            [{"label": "positive", "score": 1.0}, {"label": "negative", "score": 1.0}],
            [{"label": "positive", "score": 0.5}, {"label": "Positive", "score": 0.5}],
            [{"label": "positive", "score": 0.1}],
            [{"label": "positive"}],
            [{"score": 1.0}],
            ["positive"],
            [{"label": "positive", "score": 0.1}] * 9,
        ],
    )
    def test_labels_that_cannot_be_believed(self, bad: Any) -> None:
        """One text without a mood leaves the others; none with one is a failure."""
        good = [{"label": "POSITIVE", "score": 0.9}, {"label": "negative", "score": 0.1}]
        assert self.moods([good, bad], "x", "y") == [pytest.approx(0.8), None]
        with pytest.raises(BadPayload):
            self.moods([bad, bad], "x", "y")

    @pytest.mark.parametrize("payload", [None, {}, "x", [], [[]], [[], [], []], [{"label": "positive", "score": 1}]])
    def test_not_one_answer_a_text(self, payload: Any) -> None:
        """Nobody knows then which is whose."""
        with pytest.raises(BadPayload):
            self.moods(payload, "x", "y")

    def error(self, status: int, payload: Any) -> Any:
        return inference.error_in(inference.mood_request(FINBERT, ["x"]), status, payload)

    def test_spent_credit_and_bad_tokens_park(self) -> None:
        """In words that say what to do."""
        spent = self.error(402, recording("huggingface_inference", "error_402"))
        assert isinstance(spent, AccessRefused)
        assert "credit" in spent.reason
        for status in (401, 403):
            refused = self.error(status, recording("huggingface_inference", "error_401"))
            assert isinstance(refused, AccessRefused)
            assert "HF_TOKEN" in refused.reason

    @pytest.mark.parametrize(
        ("estimated", "wait_s"), [(20.0, 20), ("35", 35), (1e9, 600), (-5, 20), ("soon", 20), (None, 20)]
    )
    def test_a_model_that_is_loaded_is_waited_for(self, estimated: Any, wait_s: float) -> None:
        """As long as it says, within reason."""
        error = self.error(503, {"error": "Model x is currently loading", "estimated_time": estimated})
        assert isinstance(error, RateLimited)
        assert (error.status, error.retry_after_s) == (503, wait_s)
        assert self.error(503, {"error": "out of order"}) is None
        assert self.error(503, None) is None

    @pytest.mark.parametrize(("status", "name"), [(400, "error_not_supported"), (404, None), (410, None)])
    def test_a_model_that_is_not_served(self, status: int, name: str | None) -> None:
        """It is left out, and nothing else is."""
        error = self.error(status, name and recording("huggingface_inference", name))
        assert isinstance(error, UnknownSymbol)
        assert error.symbols == (FINBERT,)
        assert self.error(400, {"error": "inputs are missing"}) is None
