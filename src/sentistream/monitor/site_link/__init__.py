"""A site's link to its headquarters: joining, the outbox on disk, sending, leaving."""
