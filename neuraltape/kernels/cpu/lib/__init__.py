"""What every kernel is made of: vectors, formulas, products, cells, threads, compiler, pages. Knows no access."""
