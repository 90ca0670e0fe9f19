"""Drivers in processes of their own: a vendor's crash or hang is an error here."""
