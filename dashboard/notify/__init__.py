"""Telling people: transitions become notices, notices messages, messages leave the house at least once."""
