"""The command ``plansim``: each command parses, calls one function of the package, prints."""
