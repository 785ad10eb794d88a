"""`make bench`: what the service costs beyond what it cannot avoid, on this machine, in one run. See README.md."""
