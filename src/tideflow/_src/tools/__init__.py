"""Programs for the command line, which look into files and change them."""
