"""Which levers meet targets at least cost, and the frontier of growth."""
