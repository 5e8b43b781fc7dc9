"""AWS DMS: moves the data from the data centre, and back."""
