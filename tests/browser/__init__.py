"""A headless Chromium for tests of pages, and for pictures of them in the documents."""
