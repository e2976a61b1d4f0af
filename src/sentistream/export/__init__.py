"""The networks for other devices: files, a description of all that is around them, a reference."""

from sentistream.export.export_folder import Exported, export_networks

__all__ = ["Exported", "export_networks"]
