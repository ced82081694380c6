"""Constants fitted to observations."""
