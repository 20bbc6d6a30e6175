"""The proofs: every derivative and every update rule, compared with something that does not share its code."""
