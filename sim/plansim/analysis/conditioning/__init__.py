"""History matching: which draws of a model fit what was observed."""
