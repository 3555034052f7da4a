"""What the program knows and does: recordings, sessions, the mixer, the player, hearing, export, jobs."""
