"""The ledger in a database: SQLite by default, Postgres by URL. `sql` is the door; nothing else is meant for others."""
