"""The verdict chain: rules bound, compiled, walked and predicted."""
