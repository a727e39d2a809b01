"""Text in canonical layout. docs/language.md tells people the rules.

    text -> tokens with their comments -> documents -> lines -> aligned lines -> text

`tokens` finds the words and hangs every comment on the word behind it, `layout` walks the syntax tree and says where a
line may break, `document` decides where it does, `columns` aligns what stands below one another, `format` joins these
and proves that the result says the same.
"""

from retdsl.syntax.formatter.format import FormatDefect, format_source

__all__ = ["FormatDefect", "format_source"]
