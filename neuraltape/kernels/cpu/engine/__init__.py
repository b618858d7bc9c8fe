"""A whole sequence forward and backward: packing, the loop over time, segments, weight gradients, the operator."""
