"""The payments' traffic, moved from the data centre to AWS by weight: gated, watched, with a way back."""
