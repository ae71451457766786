"""Who may come in: accounts, passwords, second factors, sessions, walls, programs, an OpenID provider."""
