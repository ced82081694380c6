"""What is asked of a model beyond one run: samples of its uncertain constants, and sweeps."""
