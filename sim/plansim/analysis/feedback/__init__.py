"""Feedback loops: what cutting them does, loop scores, polarity of links."""
