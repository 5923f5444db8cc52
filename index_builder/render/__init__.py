"""A snapshot becomes pages; HTML and JSON come from one model, escaping happens in the templates."""
