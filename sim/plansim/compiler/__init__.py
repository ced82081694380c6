"""From equations in Vensim's language to machine code that runs many scenarios at once."""
