"""What people run around the program: ``python -m operations``."""
