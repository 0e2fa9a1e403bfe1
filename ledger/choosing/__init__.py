"""What people choose, by whichever door they say it: one write path (SS-CH-1 to SS-CH-7).

Page, API, agent, e-mail and letter end in `choose.py`; agreed phrases and the queue of what a
person must read in `motives.py`; browser signals in `signals.py`; consents that only she can
complete in `optin.py`; devices in `devices.py`; one person under two references in `joining.py`.

What this room never does: decide what a yes or a no means (`ledger/policy/choosing.py`), judge
whether something is allowed (`ledger/policy/permitting.py`), send anything. Read next: `choose.py`.
"""
