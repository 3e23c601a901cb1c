"""The last known values, kept over restarts and shared between processes when there is a Redis.

base.py              the contract that services use
embedded_cache.py    memory plus one file in DATA_DIR
redis_cache.py       the same plus a Redis
redis_connection.py  how Redis is reached, found out about, and left alone while it is away
factory.py           which of them this process uses
"""
