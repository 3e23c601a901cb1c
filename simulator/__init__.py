"""A stand-in internet: public data providers on loopback, fed by one seeded market model.

The simulator speaks the providers' own wire formats over real HTTP, so a client needs nothing but another
base address (``http://127.0.0.1:PORT/<provider name><path of the real host>``). It is a program of its own
and shares no code with its clients.

==================  ===========================================================================
``coins.py``        the coins of the simulated world and their fixed facts
``market.py``       prices and volumes as a pure function of seed and time; crashes, depegs, pins
``source_view.py``  the market as one source sees it: its offset, its cache, its clock
``answers.py``      requests, answers and the ways an answer can travel
``formats.py``      how numbers and times are written
``providers/``      one file per provider, found by the registry in ``providers/base.py``
``scenarios.py``    what can go wrong, for whom and for how long
``faults.py``       the layer which makes it go wrong, around every provider alike
``control.py``      the HTTP interface under ``/_control``
``application.py``  everything above as one WSGI application
``server.py``       that application on a loopback port
``command_line.py`` ``python -m simulator``
==================  ===========================================================================
"""
