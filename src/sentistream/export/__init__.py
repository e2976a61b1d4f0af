"""The networks for other devices: files, a description of all that is around them, a reference."""

from sentistream.export.export_folder import Exported, check_free, export_networks

__all__ = ["Exported", "check_free", "export_networks"]
