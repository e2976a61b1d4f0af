"""How a profile makes answers of faces and sound: the branches of Figure 1, and ours."""

from sentistream.decision.interface import Decision, Runnable, Verdict, make_decision

__all__ = ["Decision", "Runnable", "Verdict", "make_decision"]
