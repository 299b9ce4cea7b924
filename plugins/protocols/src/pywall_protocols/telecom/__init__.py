"""Mobile and access networks of operators."""
