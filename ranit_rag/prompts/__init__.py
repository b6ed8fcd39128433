"""Prompts: what the model is asked, and how its answers are written and read."""

from ranit_rag.prompts.answers import Mention, ParsedAnswer, parse_answer, write_answer, write_object_answer
from ranit_rag.prompts.conversation import AnswerForm, Conversation, Message, Query, Role
from ranit_rag.prompts.profile import Profile, choose_profile, load_profile, profile_names

__all__ = [
    "AnswerForm",
    "Conversation",
    "Mention",
    "Message",
    "ParsedAnswer",
    "Profile",
    "Query",
    "Role",
    "choose_profile",
    "load_profile",
    "parse_answer",
    "profile_names",
    "write_answer",
    "write_object_answer",
]
