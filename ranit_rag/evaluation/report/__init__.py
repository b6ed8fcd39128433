"""What is told of an evaluation: one document, and its forms for terminals, programs, pages and browsers."""
