"""The rim towards the kernel: calls in, errnos out; the only home of fusepy."""
