"""The tests of a model (Q01 to Q25), each a function that returns its result."""
