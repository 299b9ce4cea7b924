"""pywall-report: captures or EVE events as one HTML file that needs nothing else."""

__version__ = "0.1.0"
