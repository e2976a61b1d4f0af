"""A small interface to the inference engines, and the shipped networks with their cards."""

from sentistream.runtime.inference import Network
from sentistream.runtime.model_card import ModelCard
from sentistream.runtime.model_store import list_models, load_card, load_network

__all__ = ["ModelCard", "Network", "list_models", "load_card", "load_network"]
