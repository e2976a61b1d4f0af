"""Write readings where people look: tables, a summary, a page, an annotated video."""
