"""The verbs of the service. They know the domain and its ports, and no framework, database, broker or pixel library."""
