"""How fast a spec trains, beside what else could train it: measured, after proof that all compute the same."""
