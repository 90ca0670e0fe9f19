"""What several rooms of the window use: theme, icons, messages, dialogs, docks."""
