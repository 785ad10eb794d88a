"""The doorbell: wakes waiting requests when a job has ended, by the broker's own means. A courtesy, not the truth."""
