def test_a(evidence, auditor):
    r = auditor.judge(evidence)
    print("\n".join(r.lines()))
    assert r.ok
def test_b(evidence, auditor):
    auditor.keep(evidence.checkpoint(100))
    evidence.proofs={2: None}
    r = auditor.judge(evidence, lang="fr", processes=2)
    print("\n".join(r.lines()))
    assert r.ok
