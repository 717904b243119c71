"""What the server knows without doing any input or output: records, access, quotas."""
