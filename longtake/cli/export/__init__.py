"""Writing all that is known of a video into one file: html, md or json."""
