"""What a bundle says to whoever opens it first, in French and in English."""

README = """Dossier de preuve Probant / Probant evidence bundle
====================================================

FR  Ce dossier se vérifie sans nous, hors ligne, contre une clé que vous tenez d'ailleurs que d'ici.
EN  This bundle is checked without us, offline, against a key that you hold from elsewhere.

1.  python verify.py DOSSIER --trust anchors.toml --lang fr|en
    (un seul fichier, à relire / one file to read: replay/verify.py)
    anchors.toml:
        origin = "..."
        log = ["<clé publique / vkey>"]
2.  sha256sum: manifest.json donne l'empreinte de chaque fichier / lists the hash of each file.
    Une feuille / a leaf: SHA-256(0x00 || entry); tile/0/... les contient / holds them.
3.  openssl ts -verify -data checkpoints/N -in tsa/N.tsr -CAfile roots.pem -attime T
4.  Go: golang.org/x/mod/sumdb/note, golang.org/x/mod/sumdb/tlog

FR  keys/log.vkey n'est là que pour être comparée : une clé trouvée dans le dossier ne prouve rien.
    Les entrées sont pseudonymes : elles restent des données personnelles jusqu'à leur élagage.
EN  keys/log.vkey is only there to be compared: a key found inside the bundle proves nothing.
    Entries are pseudonymous: they stay personal data until they are pruned.
"""
