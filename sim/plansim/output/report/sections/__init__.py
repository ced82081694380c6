"""The sections of a report: verdicts and what moves them, remedies and what is robust."""
