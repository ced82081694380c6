"""Files that come with plansim, tables, YAML forms, and writing a file whole or not at all."""
