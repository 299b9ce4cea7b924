"""Database servers and caches."""
