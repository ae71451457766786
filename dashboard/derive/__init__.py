"""Metrics no instrument gives, worked out from readings as they come in: what is due, columns in step, what was learned."""
