"""From faces and sound to sentiment: the paper's branches (``paper``) and ours (``lite``)."""
