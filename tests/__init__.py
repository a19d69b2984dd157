"""The tests; a package, so that no installed one called `tests` comes before it in child processes."""
