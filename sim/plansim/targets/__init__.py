"""What a run is judged by: the plan's targets, the verdicts on them, the plan's own clashes."""
