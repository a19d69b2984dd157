"""Files nobody vouches for are read in child processes, with limits of memory and time, and stored from there."""
