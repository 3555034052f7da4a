"""The separators, the engine that runs them over a recording, and their scores. No Qt, no audio device."""
