"""One small interface over the inference engines, and the shipped networks with their cards."""
