"""Pull requests: which are to be judged, what is known of them, and what follows from a judgement."""
