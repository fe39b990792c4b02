"""Who forks and who joins in a graph: values, pairs and their names, the ledger, the graph in outline."""
