"""How the command ends: its exit status, and troubles that are told in one line."""

HELD, DIFFERS, USAGE, NOTHING = 0, 1, 2, 3


class Trouble(Exception):
    """Something that ends the command, with one line for the reader and the exit status."""

    def __init__(self, text: str, status: int = USAGE) -> None:
        super().__init__(text)
        self.status = status
