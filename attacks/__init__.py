"""Hostile clients at full strength against the service on this machine, while an honest one measures what it notices.

``python -m attacks`` starts the service as in production, plays one attack after the other, and prints what came of it.
"""
