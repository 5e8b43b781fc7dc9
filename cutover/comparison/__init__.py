"""Compares the rows of source and target without moving them."""
