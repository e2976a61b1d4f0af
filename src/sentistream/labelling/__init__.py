"""Labels made by people: proposed by the program, confirmed or corrected on a small page."""
