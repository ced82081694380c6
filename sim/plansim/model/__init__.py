"""What is simulated: the Vensim file, its variables, units and evidence."""
