"""The protocols that adapters fill; stages know these and nothing behind them."""
