"""The plan's targets, the verdicts on them, and the audit of the plan's own figures."""
