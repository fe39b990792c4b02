"""The operations: one ``Node`` class each, with the function that applies it, grouped by what they do."""
