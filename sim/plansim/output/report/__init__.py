"""Reports as HTML, Word, PDF and Excel: the sections once, and a writer for each kind of file."""
