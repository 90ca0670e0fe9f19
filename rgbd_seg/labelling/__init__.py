"""The pen: regions, tools, travel and the data set of label mode, all without Qt."""
