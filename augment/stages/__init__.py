"""The road, one file a stage: each has a Config and run(job)."""
