"""A rehearsal as one HTML page: the architecture, the verdicts, the timeline, what changes, what it costs."""
