"""Which factors matter: Morris, Sobol, uncertainty of the verdicts."""
