"""The drill of attacks: every row of the threats in `docs/evidence.md`, carried out on a made-up
ledger, and what caught it.

`stage.py` is the scene (a ledger, its log, an auditor, a witness, an authority that stamps time);
`on_history.py` and `on_people.py` hold the attacks; `table.py` lists them with what must catch each
and runs them. What this room never does: touch the ledger of whoever runs the drill, reach the
network, or soften an attack so that it is found.
"""
