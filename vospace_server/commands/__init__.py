"""What the commands of `vospace-server` do; one module for each noun of the command line."""
