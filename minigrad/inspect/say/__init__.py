"""How what is found is said: tables, names, and the source of rules and of the user's lines."""
