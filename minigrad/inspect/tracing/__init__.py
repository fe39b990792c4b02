"""A backward pass, kept: its steps, its layers and blocks, its ledger; in a file, over training, beside another."""
