"""What can be seen of samples without any model: blank ones, repeated ones, odd grey levels, how alike siblings are."""
