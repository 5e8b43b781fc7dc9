"""An account before its first deployment: what a stack needs of it, and what it has."""
