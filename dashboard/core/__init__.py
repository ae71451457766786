"""The words and small facts everything else is written in: declarations, scope, time, errors."""
