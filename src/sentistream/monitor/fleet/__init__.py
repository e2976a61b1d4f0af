"""The protocol between sites and headquarters: messages, signatures, join codes, broker."""
