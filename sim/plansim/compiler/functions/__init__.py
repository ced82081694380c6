"""What the functions of Vensim mean, in operations of the graph."""
