"""A repository of homework: begin it, write a homework, check it, pack it."""
