"""The commands, one function each: read options, call a room, hand the answer to the screen.

Nothing is decided here, and nothing heavy is imported before a command runs. Read next:
`asking.py`.
"""
