"""How a model runs: the compiled engine, the references, caches, and the dataset that results."""
