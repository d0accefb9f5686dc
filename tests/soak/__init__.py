"""The soak: everything at once, for as long as you like, with kills and reloads in between."""
