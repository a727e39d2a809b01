"""Weights on their way into the user's store: from a file, a folder as timm has them, or the Hugging Face Hub.

Enters: what the user names. Leaves: a record in the store, or a `RunError`, and then the store is as it was. Only
`hub` ever asks the network for anything, and only when its one function is called.
"""
