"""The tensor a user holds: its operators, methods, writes in place, and how it is made and shown."""
