"""What a run assumes: scenario files, inheritance, values, levers."""
