"""The OpenAPI 3.1 document of the HTTP routes: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from websocket.broker.base import BusStatus
from websocket.cache.base import CacheStatus
from websocket.catalogue import (
    CRYPTO_PRICES,
    ENDPOINTS,
    GROUPS,
    SERVICE_NAMES,
    SERVICES,
    SUBSCRIBABLE,
    SYSTEM_SERVICES,
    services_of,
)
from websocket.documentation import API_VERSION
from websocket.documentation import http_answers as answers
from websocket.documentation.archive_routes import archive_routes
from websocket.documentation.payloads import EXAMPLE_TIME, payload_of
from websocket.documentation.protocols import ACTIONS, EXAMPLE_CLIENT
from websocket.documentation.route_info import AnswerInfo, BodyInfo, ParameterInfo, RouteInfo
from websocket.documentation.schemas import as_json, schema_components
from websocket.feed_status import FeedStatus


def routes() -> tuple[RouteInfo, ...]:
    """Every HTTP route with examples of its answers."""
    return (
        _page("/", "Leads to `/test-websocket`.", AnswerInfo(status=302, meaning="Look there.", media_type=None)),
        _json("/health", "How the service is: feeds, prices, providers, pools, cache.", *_health()),
        _json(
            "/health/live",
            "Whether the process answers.",
            AnswerInfo(
                status=200,
                meaning="It does.",
                type=answers.Live,
                example=answers.Live(status="live", timestamp=EXAMPLE_TIME),
            ),
        ),
        _json("/health/ready", "Whether clients should be sent here.", *_readiness()),
        _json("/api/prices", "The current prices, and where they come from.", _prices()),
        *archive_routes(),
        _json(
            "/metrics",
            "Figures of this process for Prometheus; see docs/operations.md. In the OpenMetrics format when `Accept`"
            " asks for that.",
            AnswerInfo(status=200, meaning="The figures.", media_type="text/plain"),
        ),
        RouteInfo(
            path="/ws/stats",
            summary="The clients of the plain WebSocket of this process.",
            answers=(
                _stats(),
                AnswerInfo(
                    status=400,
                    meaning="A parameter is unknown, repeated or nonsense; the message names it.",
                    type=answers.HttpError,
                    example=BAD_OFFSET,
                ),
            ),
            parameters=(
                ParameterInfo(
                    name="offset",
                    meaning="Clients before the first one that is listed, `next_offset` of the page before.",
                    schema={"type": "integer", "minimum": 0, "default": 0},
                ),
                ParameterInfo(
                    name="limit",
                    meaning="Most clients that are listed.",
                    schema={"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
                ),
            ),
        ),
        _json("/ws/services", "The services that can be subscribed to.", _services()),
        _json("/ws/endpoints", "The WebSocket endpoints.", _endpoints()),
        _page("/test-websocket", "A page that shows the feed as a browser gets it."),
        _page("/dashboard", "A page that shows every service on one screen."),
        _page("/docs", "This documentation, for people."),
        _page(
            "/favicon.ico",
            "The icon of the pages.",
            AnswerInfo(status=200, meaning="The icon.", media_type="image/x-icon"),
        ),
        _json("/docs/asyncapi.json", "Both WebSocket protocols as an AsyncAPI 3.0 document.", _document("AsyncAPI")),
        _json("/docs/openapi.json", "The HTTP routes as an OpenAPI 3.1 document.", _document("OpenAPI")),
    )


HTTP_ERROR = answers.HttpError(
    code="not_found", message="The requested URL was not found on the server.", temporary=False
)


BAD_OFFSET = answers.HttpError(
    code="bad_request", message="offset: expected a whole number from 0 to 999999999", temporary=False
)


def build_openapi(ports: Sequence[int]) -> dict[str, Any]:
    """The document as JSON values.

    Args:
        ports: where the service listens.
    """
    described = routes()
    types = [type_ for route in described for type_ in _types_of(route)]
    schemas, components = schema_components([*types, answers.HttpError])
    schema_of = iter(schemas)
    paths: dict[str, Any] = {}
    for route in described:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, schema_of, schemas[-1])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DWT Exchange streaming service",
            "version": API_VERSION,
            "description": "The HTTP routes. The WebSockets are described in `/docs/asyncapi.json`.",
        },
        "servers": [{"url": f"http://localhost:{port}"} for port in ports],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "operator": {"type": "http", "scheme": "bearer", "description": "The value of `ADMIN_TOKEN`."}
            },
        },
    }


def _types_of(route: RouteInfo) -> Iterator[Any]:
    """The types of a route in the order in which ``_operation`` takes their schemas."""
    if route.body is not None:
        yield route.body.type
    for answer in route.answers:
        yield from (type_ for type_ in (answer.type, answer.other_type) if type_ is not None)


def _operation(route: RouteInfo, schema_of: Iterator[dict[str, Any]], error: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [_parameter(parameter) for parameter in route.parameters],
    }
    if route.for_operator:
        operation["security"] = [{"operator": []}]
    if route.body is not None:
        operation["requestBody"] = _request_body(route.body, next(schema_of))
    operation["responses"] = {
        **{str(answer.status): _response(answer, schema_of) for answer in route.answers},
        "default": {
            "description": "An error.",
            "content": {"application/json": {"schema": error, "example": as_json(HTTP_ERROR)}},
        },
    }
    return operation


def _operation_id(route: RouteInfo) -> str:
    words = "_".join(re.findall(r"[A-Za-z0-9]+", route.path)) or "index"
    return f"{route.method.lower()}_{words}"


def _parameter(parameter: ParameterInfo) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.meaning,
        "schema": parameter.schema,
    }


def _request_body(body: BodyInfo, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": as_json(body.example)}}}


def _response(answer: AnswerInfo, schema_of: Iterator[dict[str, Any]]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": answer.meaning}
    if answer.media_type is None:
        return response
    content: dict[str, Any] = {}
    if answer.other_type is not None:
        content = {
            "schema": {"oneOf": [next(schema_of), next(schema_of)]},
            "examples": {"one": {"value": as_json(answer.example)}, "other": {"value": as_json(answer.other_example)}},
        }
    elif answer.type is not None:
        content = {"schema": next(schema_of), "example": as_json(answer.example)}
    response["content"] = {answer.media_type: content}
    if answer.other_media_type is not None:
        response["content"][answer.other_media_type] = {"schema": {"type": "string"}}
    return response


def _json(path: str, summary: str, *described: AnswerInfo) -> RouteInfo:
    return RouteInfo(path=path, summary=summary, answers=described)


def _page(path: str, summary: str, *described: AnswerInfo) -> RouteInfo:
    page = AnswerInfo(status=200, meaning="The page.", media_type="text/html")
    return RouteInfo(path=path, summary=summary, answers=described or (page,))


def _document(kind: str) -> AnswerInfo:
    return AnswerInfo(status=200, meaning=f"The {kind} document.")


def _health() -> tuple[AnswerInfo, AnswerInfo]:
    reason = "DOT older than 60 s"
    report = answers.HealthReport(
        status="degraded",
        reason=reason,
        demo=False,
        timestamp=EXAMPLE_TIME,
        uptime_seconds=86400.5,
        feeds={
            CRYPTO_PRICES: FeedStatus(
                channel=CRYPTO_PRICES,
                status="delayed",
                reason=reason,
                demo=False,
                source="binance",
                oldest_age_s=74.2,
                timestamp=EXAMPLE_TIME,
            )
        },
        prices={
            "BTC": answers.PriceHealth(age_seconds=1.2, source="binance", confirmed=True, last_updated=EXAMPLE_TIME),
            "MATIC": None,
        },
        providers={
            "kraken": answers.ProviderHealth(
                name="kraken",
                title="Kraken",
                configured=True,
                state="open",
                retry_at="2026-11-21T10:00:04.000Z",
                last_check=EXAMPLE_TIME,
                last_success="2026-11-21T09:59:30.000Z",
                last_error="kraken ticker: no answer within 8 s",
                last_error_at=EXAMPLE_TIME,
                response_time_ms=8000.0,
                succeeded=8634,
                failed=6,
                errors={"timeout": 6},
                asks_last_hour=358,
                success_rate=0.9832,
                p95_ms=212.4,
                disabled_symbols=(),
            )
        },
        pools={
            "market_data": answers.PoolHealth(
                name="market_data",
                active_source="binance",
                available_sources=("binance", "coinbase_exchange"),
                inactive_sources=("kraken",),
                silent=False,
                better_source=None,
                retry_at=None,
                failover_count=1,
                failovers=(
                    answers.FailoverRecord(
                        pool="market_data",
                        previous="kraken",
                        active="binance",
                        reason="it answers again",
                        at="2026-11-21T08:12:10.000Z",
                    ),
                ),
            )
        },
        cache=CacheStatus(
            kind="embedded", healthy=True, detail="in memory and in data/cache.json", last_error=None, hits=2, misses=0
        ),
        bus=BusStatus(
            role="single",
            healthy=True,
            detail="publications stay in this process",
            silence_s=None,
            outbox=0,
            last_error=None,
            epoch="92a03bf61260",
        ),
    )
    unhealthy = msgspec.structs.replace(report, status="unhealthy")
    return (
        AnswerInfo(
            status=200,
            meaning="`healthy` or `degraded`: there is a fresh price.",
            type=answers.HealthReport,
            example=report,
        ),
        AnswerInfo(
            status=503,
            meaning="`unhealthy`: no price is younger than `STALE_AFTER`; `starting`: the first one is awaited.",
            type=answers.HealthReport,
            example=unhealthy,
        ),
    )


def _readiness() -> tuple[AnswerInfo, AnswerInfo]:
    ready = answers.Readiness(ready=True, reason=None, threads=(), timestamp=EXAMPLE_TIME)
    ended = answers.ThreadEnds(name="delivery", ends=1, down=True, last_end=EXAMPLE_TIME, reason="ended by MemoryError")
    not_ready = answers.Readiness(
        ready=False,
        reason="the thread delivery is down (ended by MemoryError)",
        threads=(ended,),
        timestamp=EXAMPLE_TIME,
    )
    return (
        AnswerInfo(status=200, meaning="Yes.", type=answers.Readiness, example=ready),
        AnswerInfo(status=503, meaning="No, with the reason.", type=answers.Readiness, example=not_ready),
    )


def _prices() -> AnswerInfo:
    rows = tuple(
        answers.PriceRow(**msgspec.structs.asdict(price), source="binance", age_s=1.2, confirmed=True)
        for price in payload_of(CRYPTO_PRICES).example
    )
    example = answers.PricesAnswer(status="success", timestamp=EXAMPLE_TIME, data=rows)
    return AnswerInfo(status=200, meaning="The prices.", type=answers.PricesAnswer, example=example)


def _stats() -> AnswerInfo:
    client = answers.ClientStats(
        client_id=EXAMPLE_CLIENT,
        endpoint=ENDPOINTS[0].path,
        connected_at=EXAMPLE_TIME,
        last_activity=EXAMPLE_TIME,
        subscriptions=SERVICE_NAMES[:1],
        messages_received=1,
        messages_sent=3,
    )
    subscriptions = {service: int(service in client.subscriptions) for service in SUBSCRIBABLE}
    stats = answers.Stats(
        active_connections=1,
        total_connections=1,
        connections_since_start=12,
        total_subscriptions=1,
        subscription_counts=subscriptions,
        subscriptions=subscriptions,
        messages_received=40,
        messages_sent=63,
        merged_updates=0,
        stalled_connections=0,
        closed={"1000": 10, "1006": 1},
        clients=(client,),
        next_offset=None,
    )
    example = answers.StatsAnswer(status="success", timestamp=EXAMPLE_TIME, data=stats)
    return AnswerInfo(status=200, meaning="The figures.", type=answers.StatsAnswer, example=example)


def _services() -> AnswerInfo:
    rows = tuple(
        answers.ServiceRow(
            **msgspec.structs.asdict(service),
            endpoints=tuple(endpoint.path for endpoint in ENDPOINTS if service.name in endpoint.names),
        )
        for service in (*SERVICES, *SYSTEM_SERVICES)
    )
    data = answers.Services(services=rows, groups={group: services_of(group) for group in GROUPS})
    example = answers.ServicesAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)
    return AnswerInfo(status=200, meaning="The services.", type=answers.ServicesAnswer, example=example)


def _endpoints() -> AnswerInfo:
    rows = tuple(
        answers.EndpointRow(**msgspec.structs.asdict(endpoint), url=f"ws://localhost:7860{endpoint.path}")
        for endpoint in ENDPOINTS
    )
    data = answers.Endpoints(endpoints=rows, supported_actions=ACTIONS)
    example = answers.EndpointsAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)
    return AnswerInfo(status=200, meaning="The endpoints.", type=answers.EndpointsAnswer, example=example)
