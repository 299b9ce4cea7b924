"""The firewall at work on real traffic between two throw-away network namespaces: what `pywall demo` shows."""
