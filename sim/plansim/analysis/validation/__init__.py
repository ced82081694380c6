"""The tests of a model (Q01 to Q28), each a function that returns its result."""
