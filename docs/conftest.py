"""The pages' examples are tests; what builds the site is not."""

collect_ignore_glob = ["conf.py", "_ext/*"]
