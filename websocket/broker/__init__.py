"""Numbers publications and remembers them. ``base`` is the contract, ``memory_broker`` the one for a single process."""
