"""What is to be handed in, requirement by requirement: a repository is read, nothing of it is run or changed."""
