"""The PostgreSQL that Zero replicates from: its publications, triggers, slots. A PGlite behind a socket will do."""
