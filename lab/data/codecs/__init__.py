"""How the files of pictures are built: their parts read and checked before any decoder sees them."""
