"""How clients reach the hub: one module per kind of transport. They translate, and decide nothing about content."""
