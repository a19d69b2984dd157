"""Where datasets come from: one small module a layout, all behind `Source`."""
