"""Pages of HTML that people open in a browser: one look, one file each, no network."""
