"""What a run assumes: scenario files, parents, overlays, values, levers, members."""
