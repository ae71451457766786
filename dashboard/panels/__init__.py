"""Renderers: a panel's body into HTML, and into a figure where it has a chart."""
