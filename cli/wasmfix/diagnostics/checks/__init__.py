"""The checks: a module a subject. One that `sections.SUBJECTS` names has `sections(options)`."""
