"""The parts of reading a scenario: text, nesting, tree, layers of values, refusals, checks across keys, writing."""
