"""How good an answer is, on people never seen in training."""
