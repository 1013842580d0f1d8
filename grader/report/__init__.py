"""Grades made visible: `view` derives plain words and columns from a `Grade`, the other modules lay them out."""
