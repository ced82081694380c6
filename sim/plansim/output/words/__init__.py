"""What is said, in English and Chinese: phrases, messages, verdicts, and where lines break."""
