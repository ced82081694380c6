"""What is shown: words, tables and files. Imports no engine."""
