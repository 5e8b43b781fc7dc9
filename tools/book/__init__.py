"""The book in ``docs/``: what is generated from the program, and the order of its chapters."""
