"""One file per provider; ``base.py`` has the contract and the registry that finds them."""
