"""`wasmfix ci`: is the project patched, does it run, is anything wrong? One run, one report, one exit code."""
