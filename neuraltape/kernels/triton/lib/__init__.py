"""What every kernel is made of: formulas, products, the controllers' layers. Knows no access."""
