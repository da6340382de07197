"""Situations in which a Jacobian was found or reported to be slow, wrong or refused, each compared with JAX's own."""
