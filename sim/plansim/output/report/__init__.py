"""Reports as HTML, Word, PDF and Excel."""
