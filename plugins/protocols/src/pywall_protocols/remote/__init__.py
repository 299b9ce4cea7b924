"""Remote shells, desktops and procedure calls."""
