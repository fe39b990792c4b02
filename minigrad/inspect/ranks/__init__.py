"""Nets in stages on several ranks, looked at as one net."""
