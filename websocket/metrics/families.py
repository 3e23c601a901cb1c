"""Short ways to write metric families; see https://prometheus.io/docs/practices/naming/ for how they are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Samples = Mapping[Sequence[str], float | None]
"""Label values -> value; None, which is not known, has no sample."""


def gauge(name: str, text: str, value: float | None) -> Metric:
    """Something that goes up and down; without a sample while it is not known."""
    return gauges(name, text, (), {(): value})


def gauges(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    """The same by labels."""
    return _filled(GaugeMetricFamily(name, text, labels=labels), samples)


def counter(name: str, text: str, value: float) -> Metric:
    """Something that only grows, from the start of the process; ``name`` without ``_total``."""
    return counters(name, text, (), {(): value})


def counters(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    """The same by labels."""
    return _filled(CounterMetricFamily(name, text, labels=labels), samples)


def states(name: str, text: str, labels: Sequence[str], which: Mapping[str, str], possible: Iterable[str]) -> Metric:
    """For each of the things in ``which`` a sample for every state: 1 for the one that it is in, else 0."""
    possible = tuple(possible)
    return gauges(
        name, text, labels, {(thing, state): float(state == now) for thing, now in which.items() for state in possible}
    )


def _filled(family: CounterMetricFamily | GaugeMetricFamily, samples: Samples) -> Metric:
    for labels, value in samples.items():
        if value is not None:
            family.add_metric(labels, value)
    return family
