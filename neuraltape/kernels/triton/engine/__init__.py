"""The loop that all accesses share: controller, launches, gradients, the first use. Knows no access."""
