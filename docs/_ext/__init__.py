"""The manual's own directives, and what they read from the source."""
