"""The kernel's side: rules, marks, queue flags and statistics, conntrack. Nothing here parses a packet."""
