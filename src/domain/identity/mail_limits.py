"""How many mails of one kind an address gets, so that nobody fills a stranger's inbox through us.

The limit is exact: in no hour, wherever it begins, are there more. A token of a mail lasts at least as long, so that
whoever is refused another mail has one that still works, also when somebody else asked for all of them.
"""

from datetime import timedelta

MAX_MAILS = 5
PER = timedelta(hours=1)
