"""Separators that are computed, not trained end to end."""
