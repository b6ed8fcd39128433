"""Reading text: its language, its windows, and where in it a mention stands."""

from ranit_rag.text.grounding import Grounder
from ranit_rag.text.language import detect_language, tokenize
from ranit_rag.text.windows import Window, split_windows

__all__ = ["Grounder", "Window", "detect_language", "split_windows", "tokenize"]
