"""Pages for people: home, projects, owners, changes, search. They are read by nobody who installs."""
