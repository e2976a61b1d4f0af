"""One small interface over the inference engines, and the shipped networks with their cards."""

from sentistream.runtime.cards import ModelCard
from sentistream.runtime.network import Network
from sentistream.runtime.store import list_models, load_card, load_network

__all__ = ["ModelCard", "Network", "list_models", "load_card", "load_network"]
