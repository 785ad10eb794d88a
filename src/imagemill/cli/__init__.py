"""The command line. Starts the roles and looks after them; knows no image and no request."""
