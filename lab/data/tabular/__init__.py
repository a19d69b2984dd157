"""Tables from elsewhere: their columns, labels and texts."""
