"""The training ground: notes, scores, made-up ensembles, and the loop that learns from them."""
