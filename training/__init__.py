"""Training of the DeResUNet family: data, augmentation, recipes, scores."""
