"""What stands between two markers of a page, where a command puts its figures."""


def renewed(page: str, begin: str, end: str, block: str) -> str:
    """The page with this block in the place of the one between its markers.

    Raises:
        ValueError: it has no such markers.
    """
    before, begins, rest = page.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"the page has no markers {begin} and {end}")
    return f"{before}{begin}\n{block}\n{end}{after}"
