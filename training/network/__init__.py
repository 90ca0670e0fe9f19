"""What learns: the network with its loss, its optimiser and the weights that it begins with."""
