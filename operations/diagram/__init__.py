"""The architecture, drawn from what a program registers."""
