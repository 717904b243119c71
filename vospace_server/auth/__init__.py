"""From credentials to an Identity: passwords, tokens, and how often one may be wrong."""
