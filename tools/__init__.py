"""What only the developers of this project run: the stand-in account on the real engine, measurements, the book."""
