"""What files of TensorFlow's formats hold, as tables, found out without running anything."""
