"""The running firewall: supervisor, workers, control socket."""
