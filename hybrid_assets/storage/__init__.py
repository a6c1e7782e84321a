"""Everything on disk: atomic files, circuit cache, results, warehouse. Put formats here; keep decisions out."""
