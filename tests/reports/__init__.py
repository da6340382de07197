"""Situations in which a Jacobian was reported, or found, to be slow, wrong or refused; each compared with JAX's own."""
