"""Fault exploration of the rotation's protocol, on the real use cases, in a modelled world."""
