"""What the pytest plugin does, imported when a run has a suite or uses one of the fixtures."""
