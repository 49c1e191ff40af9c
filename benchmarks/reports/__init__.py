"""How long the report of a month of many objectives takes."""
