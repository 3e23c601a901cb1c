"""Tests of the providers: recorded answers in, tickers or errors out; nothing goes to the network."""
