"""The writers of a report: one for each kind of file."""
