"""From deficits to orders: targets, the linear programme, the choice of donors."""
