"""The documentation of a model as HTML pages."""
