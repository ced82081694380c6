"""The page: a model as one HTML file that runs by itself."""
