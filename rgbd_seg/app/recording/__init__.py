"""Recording, snapshots and exports."""
