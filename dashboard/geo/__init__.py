"""Map layers: the sketch that ships, and an authority's own put in its place once its datum is proven."""
