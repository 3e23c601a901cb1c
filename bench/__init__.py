"""The fan-out benchmark: what a broadcast costs this service, beside other servers, measured in one run.

``python -m bench`` does everything; see ``README.md`` for how, and ``RESULTS.md`` for the last figures.
"""
