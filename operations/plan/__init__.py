"""A stack as planned: its program recorded, judged by the policy pack, and forecast."""
