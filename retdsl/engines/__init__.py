"""Engines turn a checked Program into something that runs. There is one, MXNet."""
