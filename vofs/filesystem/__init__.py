"""What each system call means for the nodes of a space; knows no kernel and no HTTP."""
