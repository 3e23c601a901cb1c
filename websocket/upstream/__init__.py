"""Asks providers, whoever they are: this package knows none of them by name.

It owns everything between a ``Request`` and an ``Answer``, and the choice of whom to ask:

    client.py        one HTTP GET with time-outs, deadline and size cap; the only place that translates foreign errors
    retry.py         how long to wait after the n-th failure
    circuit.py       whether a provider may be asked at all: closed, open, half open, parked
    rate_limit.py    our own budgets per minute and per month, alone or shared through Redis
    track_record.py  what became of the asks of the last hour
    source.py        one provider as we use it: the five above together, and its symbols
    source_status.py what a source says about itself
    verdict.py       how a source is doing, in one word
    failover.py      sources in order of preference, until one answers

What is asked and what the answers mean belongs to ``websocket.providers``; when to ask, to the services.
"""
