"""Rights requests, from the letter that arrives to the answer and those who must be told.

`reading.py` says where each request stands at any two times; `steps.py` receives one and records
its steps; `fulfilling.py` carries out what was asked and records what came of it; `heirs.py` says
what a death stopped and what heirs may ask.

What this room never does: judge a deadline (`ledger/policy/requests.py`), forbid a step
(`ledger/aggregates/rights_request.py`), or open what people wrote. Access and portability packages
are made elsewhere and handed to `steps.record_step` as the SHA-256 of what was sent. Read next:
`reading.py`.
"""
