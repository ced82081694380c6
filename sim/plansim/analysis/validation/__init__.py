"""The tests of a model, each a function that returns its result."""
