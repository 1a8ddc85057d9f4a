"""The regional scheduling platforms of Table 5 and the adapters that speak to them."""
