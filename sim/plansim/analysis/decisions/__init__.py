"""Decisions under deep uncertainty: where policies fail, which are robust, what to watch."""
