"""Hugging Face's wire formats: lists with pages, and models that tell how texts sound."""

import json
from urllib.parse import urlsplit

import pytest

from simulator.formats import iso_ms
from simulator.stories import Newsroom

from ..world import World, lacking, recorded, shape

MODELS, DATASETS = "/huggingface/api/models", "/huggingface/api/datasets"
FINBERT = "/huggingface_inference/hf-inference/models/ProsusAI/finbert"
CRYPTOBERT = "/huggingface_inference/hf-inference/models/ElKulako/cryptobert"


def all_pages(world, path):
    """Gives the rows of all pages, following the links as they are, and the number of pages."""
    rows, pages = [], 0
    while path:
        response = world.get(path)
        rows += response.json
        pages += 1
        link = response.headers.get("Link", "")
        assert not link or link.endswith('>; rel="next"')
        address = urlsplit(link.partition("<")[2].partition(">")[0])
        path = f"{address.path}?{address.query}" if link else ""
    return rows, pages


def classify(world, inputs, path=FINBERT, token="hf_any", **parameters):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return world.client.post(path, json={"inputs": inputs, "parameters": parameters}, headers=headers)


def balance(row):
    """Gives the mood that a list of labels tells, from -1 to 1."""
    scores = {item["label"].lower(): item["score"] for item in row}
    return scores.get("positive", scores.get("bullish")) - scores.get("negative", scores.get("bearish"))


def test_a_whole_row_has_the_recorded_keys_and_kinds(world):
    rows = world.json(f"{MODELS}?search=crypto&full=true&limit=1")

    assert lacking(rows, recorded("huggingface/api_models_row.json")) == []


def test_a_plain_row_lacks_the_details(world):
    row = world.json(f"{MODELS}?limit=1")[0]

    assert not {"author", "gated", "lastModified", "sha", "siblings"} & set(row)
    assert {"_id", "id", "likes", "private", "downloads", "tags", "pipeline_tag", "createdAt", "modelId"} <= set(row)


def test_expand_gives_the_named_keys_alone(world):
    rows = world.json(f"{MODELS}?search=bert&limit=500&expand[]=downloads&expand[]=inference")

    assert {key for row in rows for key in row} == {"_id", "id", "downloads", "inference"}
    assert {row["inference"] for row in rows if "inference" in row} == {"warm"}
    assert any("inference" not in row for row in rows)
    single = world.json(f"{MODELS}/ProsusAI/finbert?expand[]=inference")
    assert shape(single) == shape(recorded("huggingface/model_expand_inference.json"))


def test_pages_hold_every_row_once(world):
    rows, pages = all_pages(world, f"{MODELS}?search=crypto&sort=downloads&direction=-1&limit=500")

    assert pages == -(-len(rows) // 500)
    assert pages > 1
    assert len({row["id"] for row in rows}) == len(rows)
    assert all("crypto" in row["id"].lower() for row in rows)
    downloads = [row["downloads"] for row in rows]
    assert downloads == sorted(downloads, reverse=True)


def test_pages_keep_what_was_asked_for(world):
    rows, pages = all_pages(world, f"{DATASETS}?search=bitcoin&limit=50&expand[]=author&expand[]=likes")

    assert pages > 1
    assert all(set(row) == {"_id", "id", "author", "likes"} for row in rows)


def test_datasets_have_no_use(world):
    assert "pipeline_tag" not in world.json(f"{DATASETS}?full=true&limit=1")[0]


def test_rows_can_be_chosen(world):
    rows = world.json(f"{MODELS}?author=ElKulako")
    assert [row["id"] for row in rows] == ["ElKulako/cryptobert"]
    uses = {row["pipeline_tag"] for row in world.json(f"{MODELS}?pipeline_tag=fill-mask&limit=50")}
    assert uses == {"fill-mask"}
    assert world.json(f"{MODELS}?search=nothing-of-that-name") == []


@pytest.mark.parametrize("query", ["limit=many", "limit=0", "sort=colour", "cursor=zzz", "cursor=x", "expand[]=colour"])
def test_bad_parameters(world, query):
    response = world.get(f"{MODELS}?{query}")

    assert response.status_code == 400
    assert shape(response.json) == {"error": "text"}


def test_what_is_missing_looks_private_to_strangers(world):
    assert world.get(f"{MODELS}/no/body").status_code == 401
    answer = world.client.get(f"{MODELS}/no/body", headers={"Authorization": "Bearer hf_any"})
    assert (answer.status_code, answer.json) == (404, {"error": "Repository not found"})


def test_rate_limits_are_told(world):
    policy = recorded("huggingface/ratelimit_headers.json")["ratelimit-policy"]

    headers = world.get(f"{MODELS}?limit=1").headers
    assert headers["RateLimit-Policy"] == policy.replace("pages", "api").replace("q=100", "q=500")
    assert headers["RateLimit"].startswith('"api";r=494;t=')
    world.begin("rate_limited", ["huggingface"])
    refused = world.get(f"{MODELS}?limit=1")
    assert (refused.status_code, refused.headers["RateLimit"]) == (429, '"api";r=0;t=53')


def test_seeds_differ_and_nothing_is_of_the_future():
    path = f"{MODELS}?search=crypto&full=true&limit=500"
    same, again, other = (World(seed=seed) for seed in (1, 1, 2))

    assert same.json(path) == again.json(path) != other.json(path)
    assert all(row["createdAt"] <= row["lastModified"] <= iso_ms(same.clock.now) for row in same.json(path))


def test_without_a_token_nothing_is_classified(world):
    assert classify(world, "x", token="").status_code == 401


def test_only_some_models_are_served(world):
    response = classify(world, "x", path="/huggingface_inference/hf-inference/models/a/b")

    assert (response.status_code, response.json) == (400, {"error": "Model not supported by provider hf-inference"})


def test_one_text_is_nested_by_one_model_only(world):
    nested, flat = classify(world, "Bitcoin soars").json, classify(world, "Bitcoin soars", path=CRYPTOBERT).json

    assert shape(nested) == [shape(flat)] == [[{"label": "text", "score": "number"}] * 3]
    assert {item["label"] for item in nested[0]} == {"positive", "negative", "neutral"}
    assert {item["label"] for item in flat} == {"Bullish", "Bearish", "Neutral"}
    assert sum(item["score"] for item in flat) == pytest.approx(1, abs=1e-5)


def test_several_texts_have_an_answer_each(world):
    rows = classify(world, ["Bitcoin soars", "Bitcoin crashes", "Bitcoin"], top_k=1).json

    assert [[item["label"] for item in row] for row in rows] == [["positive"], ["negative"], ["neutral"]]


@pytest.mark.parametrize("inputs", [None, 3, [], [3], {"a": "b"}, ["x"] * 129])
def test_inputs_that_are_none(world, inputs):
    assert classify(world, inputs).status_code == 422


def test_a_body_that_is_no_json(world):
    answer = world.client.post(FINBERT, data="{", headers={"Authorization": "Bearer hf_any"})
    assert answer.status_code == 400


def test_moods_follow_the_stories(world):
    told = {}
    for hours in range(60):
        for story in Newsroom(world.market).newest(world.clock.now - 3_600 * hours * 4, 30):
            told.setdefault(story.mood, {})[story.title] = None
    means = {}
    for mood, titles in told.items():
        rows = classify(world, list(titles)[:100]).json
        means[mood] = sum(map(balance, rows)) / len(rows)

    assert {"fall", "dip", "flat", "rise", "rally"} <= set(means)
    assert means["fall"] < means["flat"] < means["rally"]
    assert means["dip"] < -0.1 < 0.1 < means["rise"]


def test_figures_that_are_none(world):
    world.begin("nan")
    assert '"downloads":NaN' in world.get(f"{MODELS}?limit=1").text
    assert '"score":NaN' in classify(world, ["x"]).text
    world.begin("null_fields")
    row = world.json(f"{MODELS}?limit=1")[0]
    assert (row["downloads"], row["likes"] >= 0) == (None, True)
    assert json.loads(classify(world, ["x"]).text)[0][0]["score"] is None


def test_wrong_figures(world):
    before = world.json(f"{MODELS}?limit=1")[0]["downloads"]
    world.begin("one_source_wrong", ["huggingface", "huggingface_inference"], factor=10)

    assert world.json(f"{MODELS}?limit=1")[0]["downloads"] == pytest.approx(10 * before, rel=0.01)
    assert max(item["score"] for item in classify(world, ["x"]).json[0]) > 1
