"""What the service does, one verb a module. Knows neither HTTP nor Firebase."""
