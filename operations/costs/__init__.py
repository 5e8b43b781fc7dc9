"""AWS's list prices, read from its public price list into `facts/prices.csv`."""
