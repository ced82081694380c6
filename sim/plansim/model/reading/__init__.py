"""Reading of Vensim files: text to equations, and what they take from other files."""
