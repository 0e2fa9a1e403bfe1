"""What leaves the house: messages to those who hold copies of what we know, and their answers.

A fact that asks for a message puts it in the outbox when it is appended (`ledger/store/outbox.py`);
the *courier* sends it, signed, until it is taken (at least once, always under the same id), and
records who was *told*; a system that has done its part *acknowledges* it, with a receipt.

What this room never does: send a personal value, follow a redirect, call an address that nobody
may be called at, or believe that what was delivered was done. Read next: `courier.py`, then
`standing.py`; the receiver's side is in docs/webhooks.md.
"""
