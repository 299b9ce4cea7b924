"""The packet engine: packet in, verdict out."""
