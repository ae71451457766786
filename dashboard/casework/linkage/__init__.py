"""Playbooks under way: what each step does next, the orders it writes, and what that makes of the alert."""
