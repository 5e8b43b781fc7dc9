"""The project's figures, measured where it runs."""
