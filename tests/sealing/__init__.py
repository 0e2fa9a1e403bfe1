"""The sealed log at work: a sealer, a signer, and what happens when either dies."""
