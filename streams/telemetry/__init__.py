"""What the pipeline tells about itself: metrics, readiness, logs and traces. None of it holds event content."""
