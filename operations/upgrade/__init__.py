"""Upgrades of a deployed stack, one step after the other in the order that AWS demands."""
