"""Where phones arrive: load balancer, web application firewall, name and certificate."""
