"""Is the place that the space lives in sound? Asked by the doctor and by the page of health."""
