"""What the verbs of `vae-course` do (level 6). Only here does the package print."""
