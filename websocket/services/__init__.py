"""What we offer: one file per stream. A service refreshes what it knows, and publishes it on its channel."""
