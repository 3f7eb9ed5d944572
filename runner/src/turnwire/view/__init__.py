"""What a person sees on a terminal: safe text, one line of metrics, events and raw bytes."""
