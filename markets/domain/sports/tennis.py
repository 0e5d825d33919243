"""Tennis, point by point: packets of an umpire's feed folded into one match (004; decisions T1–T6). Pure.

The values are in ``tennis_values``, what a packet does in ``tennis_reducer``, the words for people in ``tennis_words`` and the rules of
the game in ``tennis_rules``; everybody else imports from here.
"""

from __future__ import annotations

from .tennis_course import ANEW, anew_line, begun_anew, behind, doubted, taken_by_alarms, told_before
from .tennis_hand import set_by_hand, taken_back
from .tennis_reducer import place, reduce, unplaced
from .tennis_values import (
    TURN,
    Card,
    Course,
    Entry,
    Games,
    Hand,
    Kind,
    Outcome,
    Packet,
    Place,
    Player,
    Reduced,
    Score,
    Server,
    Side,
    Span,
    Tennis,
)
from .tennis_words import (
    BREAKS,
    OPEN_STATES,
    back_words,
    closed_words,
    end_words,
    hand_words,
    score_words,
    state_words,
    turned,
    value_words,
)

__all__ = [
    "ANEW",
    "BREAKS",
    "OPEN_STATES",
    "TURN",
    "Card",
    "Course",
    "Entry",
    "Games",
    "Hand",
    "Kind",
    "Outcome",
    "Packet",
    "Place",
    "Player",
    "Reduced",
    "Score",
    "Server",
    "Side",
    "Span",
    "Tennis",
    "anew_line",
    "back_words",
    "begun_anew",
    "behind",
    "closed_words",
    "doubted",
    "end_words",
    "hand_words",
    "place",
    "reduce",
    "score_words",
    "set_by_hand",
    "state_words",
    "taken_back",
    "taken_by_alarms",
    "told_before",
    "turned",
    "unplaced",
    "value_words",
]
