"""Files that hold many pictures: zips, npz, Parquet, and shards on the hub."""
