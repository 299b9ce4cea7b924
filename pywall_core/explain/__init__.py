"""Why a packet or a flow got its verdict: traces and queries."""
