"""The report on service levels: objectives, services, the worst of it, and how complete its own data is."""
