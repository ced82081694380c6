"""What is asked of a model: many runs, causes, feedback, fit, optimization, tests of the model."""
