"""What people decide about alerts."""
