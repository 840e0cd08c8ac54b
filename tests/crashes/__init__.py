"""The daemon killed, cut off and starved in every place there is."""
