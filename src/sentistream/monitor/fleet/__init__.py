"""What sites and their headquarters say to each other: messages, signatures, join codes, broker."""
