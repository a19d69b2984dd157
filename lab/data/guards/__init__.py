"""What stands in a set that should not: pictures twice, real films among samples."""
