"""Many runs: designs, sweeps, their stores, replay."""
