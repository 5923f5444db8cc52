"""Large objects in parts: what arrived in an earlier run is not sent again, at each kind of provider."""
