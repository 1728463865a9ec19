"""Files of the key–value memory: blocks, packing, segments and their manifest."""
