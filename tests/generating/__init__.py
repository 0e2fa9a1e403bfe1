"""Made-up histories: what they claim to be, checked with the real mapping and the real rules."""
