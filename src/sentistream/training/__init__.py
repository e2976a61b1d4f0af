"""Training of the networks: a task for each, recipes, the training loop, publishing."""
