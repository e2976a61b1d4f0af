"""``python -m sentistream`` is the command ``sentistream``."""

from sentistream.cli import main

if __name__ == "__main__":
    main()
