"""By which paths a gradient came: over skips, through branches, and through how many of these."""
