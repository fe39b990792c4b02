"""A backward pass as one HTML page that needs no network: recorded here, laid out here, played by the page."""
