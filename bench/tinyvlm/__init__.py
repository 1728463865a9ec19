"""A small vision-language model, trained here on drawn worlds, and questions about them."""
