"""What is done to the servers, to DMS and to the application: the steps that the table of states is made of."""
