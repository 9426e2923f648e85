"""A relay whose devices still open when they are older."""

import sqlite3

from tests.relay import Relay

# A right of 179 years: the most the protocol can say. An organisation grants 365 days at most, and
# a golden store must open when it is older.
LEASE_DAYS = 65_535


def lasting(relay: Relay) -> None:
    """Has the relay grant its devices that time without contact."""
    with sqlite3.connect(relay.data / "relay.db") as db:
        db.execute("UPDATE organisation SET lease_days = ?", [LEASE_DAYS])
