"""How fast the functions are, against what their platform alone costs at the same moment."""
