"""What can be done at Popily, one file a family: sources, insights, and any other call."""
