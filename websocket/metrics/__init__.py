"""Figures for Prometheus. ``live`` reads them from the parts when it is asked, ``counted`` counts what leaves no trace.

Names begin with ``dwt_``, units are seconds, bytes and ratios, and labels have few values: nothing that a client can
choose becomes one. docs/operations.md has a table of all of them.
"""
