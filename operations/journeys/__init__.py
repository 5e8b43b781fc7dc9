"""Who can reach whom in a recorded program, through every layer of the network, held against a table of who must."""
