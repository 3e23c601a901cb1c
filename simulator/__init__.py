"""A stand-in internet: public data providers on loopback, fed by one seeded model of markets and chains.

The simulator speaks the providers' own wire formats over real HTTP, so a client needs nothing but another
base address (``http://127.0.0.1:PORT/<provider name><path of the real host>``; nodes are at
``/json_rpc/<chain>/<host>``, news feeds at ``/rss/<feed>``). It is a program of its own and shares no code with its
clients.

============================  =================================================================================
``coins.py``                  the coins of the simulated world and their fixed facts
``market.py``                 prices and volumes as a pure function of seed and time; crashes, depegs, pins
``noise.py``                  numbers, smooth noise and identifiers drawn by hashing
``chains.py``                 all chains as pure functions of seed and time
``block_times.py``            when blocks come; ``forks.py`` which of them were replaced
``bitcoin.py``                Bitcoin's blocks, mempool, difficulty; ``bitcoin_transactions.py`` what is in them,
                              ``bitcoin_wallets.py`` whose it is
``evm.py``                    blocks, fees and transactions of the EVM chains; ``evm_specs.py`` their fixed facts
``evm_rpc.py``                JSON-RPC of these chains; ``evm_blocks.py`` how blocks look there; ``nodes.py`` hosts
``stories.py``                the news, which follow the market; ``phrases.py`` the words for it
``source_view.py``            the world as one source sees it: its offset, its cache, its clock
``answers.py``                requests, answers and the ways an answer can travel
``formats.py``                how numbers and times are written
``providers/``                one file per provider, found by the registry in ``providers/base.py``
``scenarios.py``              what can go wrong, for whom and for how long; ``parameters.py`` what shapes it
``faults.py``                 the layer which makes it go wrong, around every provider alike
``control.py``                the HTTP interface under ``/_control``
``application.py``            everything above as one WSGI application
``server.py``                 that application on a loopback port
``command_line.py``           ``python -m simulator``
============================  =================================================================================
"""
