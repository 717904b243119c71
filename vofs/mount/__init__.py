"""From a configuration to a mount that answers, and to its end."""
