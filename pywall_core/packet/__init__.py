"""IP packets from bytes: headers and fragments."""
