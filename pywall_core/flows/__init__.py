"""The flow table, announced flows, and filters over flows."""
