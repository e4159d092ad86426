"""What `drafthart linux` boots: packages, programs of ours, and the RAM disk made of both."""
