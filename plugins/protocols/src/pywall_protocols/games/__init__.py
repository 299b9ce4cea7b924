"""Games and their engines."""
