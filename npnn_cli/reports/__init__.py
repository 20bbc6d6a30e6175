"""What people look at after a run: pictures (PNG, by Matplotlib) and console tables (by Rich)."""
