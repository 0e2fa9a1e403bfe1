"""What leaves the house, tried with a receiver that really listens, on loopback."""
