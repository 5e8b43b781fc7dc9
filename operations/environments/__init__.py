"""Test environments without a ticket: each a stack of its own in the development account, gone when its time is up."""
