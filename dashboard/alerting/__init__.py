"""Rules judged and alerts raised."""
