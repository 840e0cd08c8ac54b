"""What Plotly can be asked to do, one file a family; ``cells`` holds the pure parts."""
