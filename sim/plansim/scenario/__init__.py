"""Scenarios: their files, inheritance, values and levers."""
