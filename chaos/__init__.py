"""Breaks a running cluster in every way that we can think of, while clients watch what reaches them.

``python -m chaos`` starts a Redis, a simulated internet and three service processes, connects clients to them, and then
plays one fault after the other; see ``faults.py``. The report says for each what the clients saw.
"""
