"""What differences are due to: Shapley shares of assumptions, and of changes of a model."""
