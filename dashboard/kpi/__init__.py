"""Numbers of the city: computed, judged, kept, explained."""
