"""The contracts between the core and its drivers, and the connection that passes between them."""
