"""How the product is installed: images, compose file, and the zero-install local mode."""
