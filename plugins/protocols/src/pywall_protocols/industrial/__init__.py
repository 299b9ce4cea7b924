"""Control of machines, buildings, vehicles and power grids."""
