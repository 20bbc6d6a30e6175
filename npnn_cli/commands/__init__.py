"""The command line: a file per subcommand. Only this room prints and exits."""
