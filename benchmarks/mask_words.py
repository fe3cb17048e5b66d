"""What the mask benchmark's page says in words."""

ABOUT = ""
WRONG = ""
