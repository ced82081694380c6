"""How a model runs: the reference engine, what it caches, and the dataset that comes out."""
