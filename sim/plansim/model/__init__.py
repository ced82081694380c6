"""What is simulated: the Vensim file, its variables and units, and the scenarios set on it."""
