"""Exports the networks for other devices: files, a pipeline description, a reference."""

from sentistream.export.export_folder import Exported, check_free, export_networks

__all__ = ["Exported", "check_free", "export_networks"]
