"""One suite for every engine: the same questions, the same answers, on files and on databases."""
