"""What people decide: acknowledgements, with an audit of who did what."""
