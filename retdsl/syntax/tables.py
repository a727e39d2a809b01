"""The grammar as tables for `retdsl.syntax.lalr`, made by tests/syntax/make_tables.py; do not edit.

Terminals that are one fixed text are called by that text, those of PATTERNS by their names in the grammar, and the
parts that rules make by their names in angle brackets.

RULES: the part that a rule makes, how many things it takes off the stack, the name of what builds it (None: the part is
its only child), and which children go there (None: something that may be there and is not; `~i`: all items of list i).

STATES: for each state what to do when a terminal or a part comes. A number from 0 on is the state to go on in; a number
below 0 is a rule to apply, `RULES[~number]`. A state that is a number applies that rule whatever comes.
"""

from __future__ import annotations

from typing import TypeAlias

Rule: TypeAlias = "tuple[str, int, str | None, tuple[int | None, ...]]"
State: TypeAlias = "dict[str, int] | int"

# fmt: off
STARTS = {"start": 0, "value": 1}

WORDS = [
    "(", ")", "*", "+", ",", "-", ".", "/", ":", "=", "=>", "[", "]", "as", "augment", "backbone", "block", "data",
    "from", "model", "sampling", "train", "use", "{", "|", "}",
]
IGNORED = ["[ \t\r\n\f\ufeff]+", "#[^\n]*"]
PATTERNS = {
    "PERCENT": "[0-9]+(\\.[0-9]+)?%", "NAME": "[A-Za-z_][A-Za-z0-9_]*",
    "NUMBER": "[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?", "STRING": "\"[^\"\\\\\n]*(\\\\.[^\"\\\\\n]*)*\"",
}

RULES: tuple[Rule, ...] = (
    ("<start>", 1, "start", (-1,)), ("<start>", 0, "start", ()), ("<declaration>", 1, None, (0,)),
    ("<data>", 3, "data", (1, 2)), ("<backbone>", 4, "backbone", (1, 3)), ("<block>", 9, "block", (1, 3, -5, 8)),
    ("<block>", 8, "block", (1, 3, -5, 7)), ("<block>", 8, "block", (1, 3, 7)), ("<block>", 7, "block", (1, 3, 6)),
    ("<block>", 6, "block", (1, None, 5)), ("<model>", 4, "model", (1, 3)), ("<augment>", 4, "augment", (1, 3)),
    ("<sampling>", 4, "sampling", (1, 3)), ("<train>", 5, "train", (1, 3, 4)), ("<train>", 3, "train", (1, None, 2)),
    ("<use>", 2, "use", (1,)), ("<parameter>", 3, "parameter", (0, 2)), ("<parameter>", 1, "parameter", (0, None)),
    ("<settings>", 3, "settings", (-2,)), ("<settings>", 2, "settings", ()), ("<setting>", 3, "setting", (0, 2)),
    ("<key>", 1, "key", (0,)), ("<value>", 1, None, (0,)), ("<value>", 2, "chain", (0, -2)),
    ("<value>", 3, "chain_named", (0, 2)), ("<link>", 3, "link", (0, 2)), ("<link>", 1, "link", (0, None)),
    ("<ratio>", 2, "ratio", (0, -2)), ("<ratio>", 1, None, (0,)), ("<sum>", 2, "sum", (0, -2)),
    ("<sum>", 1, None, (0,)), ("<product>", 2, "product", (0, -2)), ("<product>", 1, None, (0,)),
    ("<signed>", 1, None, (0,)), ("<signed>", 2, "negative", (1,)), ("<postfix>", 1, None, (0,)),
    ("<postfix>", 4, "call", (0, 2)), ("<postfix>", 3, "call", (0, None)), ("<postfix>", 7, "repeat", (0, 2, 5)),
    ("<postfix>", 6, "repeat", (0, None, 4)), ("<postfix>", 4, "cut", (0, 2)), ("<cut_at>", 1, None, (0,)),
    ("<arguments>", 3, "arguments", (0, -2)), ("<arguments>", 2, "arguments", (0, -2)),
    ("<arguments>", 2, "arguments", (0,)), ("<arguments>", 1, "arguments", (0,)), ("<argument>", 3, "argument", (0, 2)),
    ("<argument>", 1, "argument", (None, 0)), ("<atom>", 1, "number", (0,)), ("<atom>", 1, "percent", (0,)),
    ("<atom>", 1, None, (0,)), ("<atom>", 5, "list", (1, -3)), ("<atom>", 4, "list", (1, -3)),
    ("<atom>", 4, "list", (1,)), ("<atom>", 3, "list", (1,)), ("<atom>", 2, "list", (None,)),
    ("<atom>", 3, "group", (1,)), ("<atom>", 7, "tuple", (1, 3, -5)), ("<atom>", 6, "tuple", (1, 3, -5)),
    ("<atom>", 6, "tuple", (1, 3)), ("<atom>", 5, "tuple", (1, 3)), ("<atom>", 4, "tuple", (1, None)),
    ("<atom>", 4, "fork", (1, -3)), ("<atom>", 3, "fork", (1,)), ("<text>", 1, "text", (0,)),
    ("<ref>", 2, "ref", (0, -2)), ("<ref>", 1, "ref", (0,)), ("<start_star_0>", 1, "items", (0,)),
    ("<start_star_0>", 2, "more", (-1, 1)), ("<block_star_1>", 2, "items", (1,)),
    ("<block_star_1>", 3, "more", (-1, 2)), ("<settings_star_2>", 1, "items", (0,)),
    ("<settings_star_2>", 2, "more", (-1, 1)), ("<value_plus_3>", 2, "items", (1,)),
    ("<value_plus_3>", 3, "more", (-1, 2)), ("<ratio_star_4>", 2, "items", (1,)),
    ("<ratio_star_4>", 3, "more", (-1, 2)), ("<sum_star_5>", 2, "items", (0, 1)),
    ("<sum_star_5>", 3, "more", (-1, 1, 2)), ("<product_star_6>", 2, "items", (0, 1)),
    ("<product_star_6>", 3, "more", (-1, 1, 2)), ("<arguments_star_7>", 2, "items", (1,)),
    ("<arguments_star_7>", 3, "more", (-1, 2)), ("<atom_star_8>", 2, "items", (1,)),
    ("<atom_star_8>", 3, "more", (-1, 2)), ("<atom_star_9>", 2, "items", (1,)), ("<atom_star_9>", 3, "more", (-1, 2)),
    ("<ref_star_10>", 2, "items", (1,)), ("<ref_star_10>", 3, "more", (-1, 2)),
)

STATES: tuple[State, ...] = (
    {"$END": -2, "<augment>": 2, "<backbone>": 2, "<block>": 2, "<data>": 2, "<declaration>": 2, "<model>": 2,
     "<sampling>": 2, "<start>": 3, "<start_star_0>": 4, "<train>": 2, "<use>": 2, "augment": 5, "backbone": 6, "block":
     7, "data": 8, "model": 9, "sampling": 10, "train": 11, "use": 12},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 21, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -68, {"$END": 3},
    {"$END": -1, "<augment>": 28, "<backbone>": 28, "<block>": 28, "<data>": 28, "<declaration>": 28, "<model>": 28,
     "<sampling>": 28, "<train>": 28, "<use>": 28, "augment": 5, "backbone": 6, "block": 7, "data": 8, "model": 9,
     "sampling": 10, "train": 11, "use": 12},
    {"NAME": 29}, {"NAME": 30}, {"NAME": 31}, {"NAME": 32}, {"NAME": 33}, {"NAME": 34}, {"NAME": 35},
    {"<ref>": 36, "<text>": 37, "NAME": 22, "STRING": 25},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 38, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, "<atom>": 39, "<postfix>": 39, "<ref>": 19, "<text>": 39, "NAME": 22, "NUMBER": 23, "PERCENT": 24,
     "STRING": 25, "[": 26, "{": 27},
    {"$END": -33, ")": -33, "*": 40, "+": -33, ",": -33, "-": -33, "/": 41, ":": -33, "<product_star_6>": 42, "=>": -33,
     "NAME": -33, "]": -33, "as": -33, "augment": -33, "backbone": -33, "block": -33, "data": -33, "model": -33,
     "sampling": -33, "train": -33, "use": -33, "|": -33, "}": -33},
    {"<value_plus_3>": 43, "=>": 44},
    {"$END": -31, ")": -31, "+": 45, ",": -31, "-": 46, ":": -31, "<sum_star_5>": 47, "=>": -31, "NAME": -31, "]": -31,
     "as": -31, "augment": -31, "backbone": -31, "block": -31, "data": -31, "model": -31, "sampling": -31, "train": -31,
     "use": -31, "|": -31, "}": -31},
    {"$END": -23, ")": -23, ",": -23, "=>": -27, "NAME": -23, "]": -23, "as": 48, "augment": -23, "backbone": -23,
     "block": -23, "data": -23, "model": -23, "sampling": -23, "train": -23, "use": -23, "|": -23, "}": -23},
    {"$END": -51, "(": 49, ")": -51, "*": -51, "+": -51, ",": -51, "-": -51, "/": -51, ":": -51, "=>": -51, "NAME": -51,
     "[": 50, "]": -51, "as": -51, "augment": -51, "backbone": -51, "block": -51, "data": -51, "model": -51, "sampling":
     -51, "train": -51, "use": -51, "|": -51, "}": -51},
    {"$END": -29, ")": -29, ",": -29, ":": 51, "<ratio_star_4>": 52, "=>": -29, "NAME": -29, "]": -29, "as": -29,
     "augment": -29, "backbone": -29, "block": -29, "data": -29, "model": -29, "sampling": -29, "train": -29, "use":
     -29, "|": -29, "}": -29},
    {"$END": 21},
    {"$END": -67, "(": -67, ")": -67, "*": -67, "+": -67, ",": -67, "-": -67, ".": 53, "/": -67, ":": -67,
     "<ref_star_10>": 54, "=>": -67, "NAME": -67, "[": -67, "]": -67, "as": -67, "augment": -67, "backbone": -67,
     "block": -67, "data": -67, "model": -67, "sampling": -67, "train": -67, "use": -67, "|": -67, "}": -67},
    -49, -50, -65,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 55, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "]": 56, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 57, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -69, {"=": 58}, {"=": 59}, {"(": 60}, {"<settings>": 61, "{": 62}, {"=": 63}, {"=": 64},
    {"<settings>": 65, "from": 66, "{": 62}, -16, -16, {")": 67, ",": 68}, -35,
    {"(": 13, "-": 14, "<atom>": 69, "<postfix>": 69, "<ref>": 19, "<signed>": 69, "<text>": 69, "NAME": 22, "NUMBER":
     23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 70, "<postfix>": 70, "<ref>": 19, "<signed>": 70, "<text>": 70, "NAME": 22, "NUMBER":
     23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"$END": -32, ")": -32, "*": 71, "+": -32, ",": -32, "-": -32, "/": 72, ":": -32, "=>": -32, "NAME": -32, "]": -32,
     "as": -32, "augment": -32, "backbone": -32, "block": -32, "data": -32, "model": -32, "sampling": -32, "train": -32,
     "use": -32, "|": -32, "}": -32},
    {"$END": -24, ")": -24, ",": -24, "=>": 73, "NAME": -24, "]": -24, "augment": -24, "backbone": -24, "block": -24,
     "data": -24, "model": -24, "sampling": -24, "train": -24, "use": -24, "|": -24, "}": -24},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 74, "<postfix>": 15, "<product>": 17, "<ratio>": 75, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{":
     27},
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 76, "<ref>": 19, "<signed>": 15, "<text>": 15,
     "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 77, "<ref>": 19, "<signed>": 15, "<text>": 15,
     "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"$END": -30, ")": -30, "+": 78, ",": -30, "-": 79, ":": -30, "=>": -30, "NAME": -30, "]": -30, "as": -30,
     "augment": -30, "backbone": -30, "block": -30, "data": -30, "model": -30, "sampling": -30, "train": -30, "use":
     -30, "|": -30, "}": -30},
    {"NAME": 80},
    {"(": 13, ")": 81, "-": 14, "<argument>": 82, "<arguments>": 83, "<atom>": 15, "<link>": 16, "<postfix>": 15,
     "<product>": 17, "<ratio>": 18, "<ref>": 19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 84, "NAME": 85,
     "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"<cut_at>": 86, "<ref>": 86, "<text>": 86, "NAME": 22, "STRING": 25},
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 17, "<ref>": 19, "<signed>": 15, "<sum>": 87,
     "<text>": 15, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"$END": -28, ")": -28, ",": -28, ":": 88, "=>": -28, "NAME": -28, "]": -28, "as": -28, "augment": -28, "backbone":
     -28, "block": -28, "data": -28, "model": -28, "sampling": -28, "train": -28, "use": -28, "|": -28, "}": -28},
    {"NAME": 89},
    {"$END": -66, "(": -66, ")": -66, "*": -66, "+": -66, ",": -66, "-": -66, ".": 90, "/": -66, ":": -66, "=>": -66,
     "NAME": -66, "[": -66, "]": -66, "as": -66, "augment": -66, "backbone": -66, "block": -66, "data": -66, "model":
     -66, "sampling": -66, "train": -66, "use": -66, "|": -66, "}": -66},
    {",": 91, "<atom_star_8>": 92, "]": 93}, -56, {"<atom_star_9>": 94, "|": 95, "}": 96},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 97, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 98, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {")": 99, "<parameter>": 100, "NAME": 101}, -4,
    {"<key>": 102, "<setting>": 103, "<settings_star_2>": 104, "NAME": 105, "augment": 106, "backbone": 107, "block":
     108, "data": 109, "model": 110, "sampling": 111, "train": 112, "use": 113, "}": 114},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 115, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 116, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -15, {"NAME": 117}, -57,
    {"(": 13, ")": 118, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>":
     19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 119, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING":
     25, "[": 26, "{": 27},
    -80, -80,
    {"(": 13, "-": 14, "<atom>": 120, "<postfix>": 120, "<ref>": 19, "<signed>": 120, "<text>": 120, "NAME": 22,
     "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 121, "<postfix>": 121, "<ref>": 19, "<signed>": 121, "<text>": 121, "NAME": 22,
     "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 122, "<postfix>": 15, "<product>": 17, "<ratio>": 75, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{":
     27},
    -74,
    {"$END": -27, ")": -27, ",": -27, "=>": -27, "NAME": -27, "]": -27, "as": 123, "augment": -27, "backbone": -27,
     "block": -27, "data": -27, "model": -27, "sampling": -27, "train": -27, "use": -27, "|": -27, "}": -27},
    -78, -78,
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 124, "<ref>": 19, "<signed>": 15, "<text>": 15,
     "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 125, "<ref>": 19, "<signed>": 15, "<text>": 15,
     "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"$END": -25, ")": -25, ",": -25, "=>": -26, "NAME": -25, "]": -25, "augment": -25, "backbone": -25, "block": -25,
     "data": -25, "model": -25, "sampling": -25, "train": -25, "use": -25, "|": -25, "}": -25},
    {"$END": -38, ")": -38, "*": -38, "+": -38, ",": -38, "-": -38, "/": -38, ":": -38, "=>": -38, "NAME": -38, "]":
     -38, "as": -38, "augment": -38, "backbone": -38, "block": -38, "data": -38, "model": -38, "sampling": -38, "train":
     -38, "use": -38, "{": 126, "|": -38, "}": -38},
    {")": -46, ",": 127, "<arguments_star_7>": 128}, {")": 129}, -48,
    {"(": -67, ")": -67, "*": -67, "+": -67, ",": -67, "-": -67, ".": 53, "/": -67, ":": -67, "<ref_star_10>": 54, "=":
     130, "=>": -67, "[": -67, "as": -67},
    {"]": 131}, -76,
    {"(": 13, "-": 14, "<atom>": 15, "<postfix>": 15, "<product>": 17, "<ref>": 19, "<signed>": 15, "<sum>": 132,
     "<text>": 15, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    -88, {"NAME": 133},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 134, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "]": 135, "{": 27},
    {",": 136, "]": 137}, -55, {"|": 138, "}": 139},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 140, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -64, -12, -5, {"=": 141}, {")": 142, ",": 143, "<block_star_1>": 144}, {")": -18, ",": -18, "=": 145}, {"=": 146},
    -72,
    {"<key>": 102, "<setting>": 147, "NAME": 105, "augment": 106, "backbone": 107, "block": 108, "data": 109, "model":
     110, "sampling": 111, "train": 112, "use": 113, "}": 148},
    -22, -22, -22, -22, -22, -22, -22, -22, -22, -20, -11, -13, {"<settings>": 149, "{": 62}, -62,
    {")": 150, ",": 151, "<atom_star_8>": 152}, -81, -81, -75, {"NAME": 153}, -79, -79,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 154, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, ")": -45, "-": 14, "<argument>": 155, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17,
     "<ratio>": 18, "<ref>": 19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 84, "NAME": 85, "NUMBER": 23,
     "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {")": -44, ",": 156},
    {"$END": -37, ")": -37, "*": -37, "+": -37, ",": -37, "-": -37, "/": -37, ":": -37, "=>": -37, "NAME": -37, "]":
     -37, "as": -37, "augment": -37, "backbone": -37, "block": -37, "data": -37, "model": -37, "sampling": -37, "train":
     -37, "use": -37, "{": 157, "|": -37, "}": -37},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 158, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -41, -77, -89, -84, -54,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 159, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "]": 160, "{": 27},
    -53,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 161, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -63, -86,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 162, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"=": 163}, {")": 164, "<parameter>": 165, "NAME": 101}, {")": 166, ",": 167},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 168, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 169, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -73, -19, -14, -61,
    {"(": 13, ")": 170, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>":
     19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 134, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING":
     25, "[": 26, "{": 27},
    {")": 171, ",": 172}, -26, {"}": 173}, -82,
    {"(": 13, ")": -43, "-": 14, "<argument>": 174, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17,
     "<ratio>": 18, "<ref>": 19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 84, "NAME": 85, "NUMBER": 23,
     "PERCENT": 24, "STRING": 25, "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 175, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -47, -85, -52, -87, -10,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 176, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"=": 177}, -70, {"=": 178}, {")": 179, "<parameter>": 180, "NAME": 101}, -17, -21, -60, -59,
    {"(": 13, ")": 181, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>":
     19, "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 159, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING":
     25, "[": 26, "{": 27},
    -40, -83, {"}": 182}, -9,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 183, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 184, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    {"=": 185}, -71, -58, -39, -8, -7,
    {"(": 13, "-": 14, "<atom>": 15, "<link>": 16, "<postfix>": 15, "<product>": 17, "<ratio>": 18, "<ref>": 19,
     "<signed>": 15, "<sum>": 20, "<text>": 15, "<value>": 186, "NAME": 22, "NUMBER": 23, "PERCENT": 24, "STRING": 25,
     "[": 26, "{": 27},
    -6,
)
