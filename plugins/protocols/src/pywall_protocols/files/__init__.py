"""File transfer, file sharing, version control."""
