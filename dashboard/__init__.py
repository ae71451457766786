"""The engine of the cockpit: pull, compute, alert, publish. It names no city, no department, no domain."""

__version__ = "0.1.0"
