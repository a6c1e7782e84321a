"""The cards of the report, one module a subject. A card is HTML with the names of the questions it rests on."""
