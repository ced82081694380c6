"""The tests that a model must stand (Q01 to Q25), each as a function that says what it found."""
