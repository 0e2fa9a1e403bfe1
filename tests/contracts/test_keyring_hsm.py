"""The HSM's keyring: nothing leaves the token, and the PIN is never in a command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from ledger.errors import Broken, Misuse
from ledger.store import hsm, keyrings
from ledger.store.hsm import HsmKeyring
from tests.softhsm import PIN


@pytest.fixture
def uri(new_token: Callable[[], str]) -> str:
    return new_token()


def objects(uri: str) -> list[Any]:
    session = hsm._session(hsm.parse(uri))
    return list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}))


def test_no_key_can_be_read_out_of_the_token_and_labels_say_whose_they_are(uri: str):
    HsmKeyring.create(uri, "shop.example/1").begin_epoch()
    found = objects(uri)
    assert sorted(key.label for key in found) == [
        "probant/shop.example/1/kek/1",
        "probant/shop.example/1/kek/2",
        "probant/shop.example/1/pepper/1",
    ]
    for key in found:
        assert key[Attribute.NEVER_EXTRACTABLE]
        assert key[Attribute.ALWAYS_SENSITIVE]
        with pytest.raises(pkcs11.AttributeSensitive):
            key[Attribute.VALUE]


def test_a_key_that_could_be_copied_is_not_used(uri: str):
    HsmKeyring.create(uri, "shop.example/1")
    hsm._session(hsm.parse(uri)).generate_key(
        KeyType.AES,
        256,
        label="probant/shop.example/1/kek/2",
        store=True,
        template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False},
    )
    with pytest.raises(Broken, match="copied"):
        HsmKeyring.load(uri)


def test_a_token_is_of_one_ledger_only(uri: str):
    HsmKeyring.create(uri, "shop.example/1")
    hsm._make_kek(hsm.parse(uri), "shop.example/2", 1)
    with pytest.raises(Misuse, match="several ledgers"):
        HsmKeyring.load(uri)


def test_two_keys_of_one_label_are_not_chosen_from(uri: str):
    HsmKeyring.create(uri, "shop.example/1")
    hsm._make_kek(hsm.parse(uri), "shop.example/1", 1)
    with pytest.raises(Broken, match="same label"):
        HsmKeyring.load(uri)


def test_what_else_is_in_the_token_is_left_alone(uri: str):
    session = hsm._session(hsm.parse(uri))
    session.generate_key(KeyType.AES, 256, label="somebody else's", store=True)
    HsmKeyring.create(uri, "shop.example/1")
    assert HsmKeyring.load(uri).epochs == (1,)
    assert "somebody else's" in [key.label for key in objects(uri)]


def test_a_crash_while_the_keyring_is_made_is_mended_by_running_again(uri: str):
    hsm._make_pepper(hsm.parse(uri), "shop.example/1")
    assert not keyrings.exists(uri)
    with pytest.raises(Misuse, match="no keyring"):
        HsmKeyring.load(uri)
    with pytest.raises(Misuse, match="already"):
        HsmKeyring.create(uri, "shop.example/2")
    HsmKeyring.create(uri, "shop.example/1")
    assert [key.label for key in objects(uri)].count("probant/shop.example/1/pepper/1") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "pkcs11:",
        "pkcs11:token=a",
        "pkcs11:token=a?module-path=",
        "pkcs11:?module-path=/x",
        "pkcs11:token=a?module-path=/x&pin-value=1234",
        "pkcs11:token=a;object=b?module-path=/x",
        "pkcs11:token=a;token=b?module-path=/x",
    ],
)
def test_a_uri_that_is_not_understood_is_refused_without_repeating_it(wrong: str):
    with pytest.raises(Misuse) as caught:
        hsm.parse(wrong)
    assert "1234" not in str(caught.value)


def test_a_uri_is_read_as_the_rfc_writes_it():
    place = hsm.parse("pkcs11:token=My%20token?pin-source=file:///etc/p%26n&module-path=/lib/m.so")
    assert place == hsm.Place("/lib/m.so", "My token", Path("/etc/p&n"))
    assert hsm.parse("pkcs11:token=a?module-path=/m&pin-source=/p").pin_file == Path("/p")


def test_the_pin_comes_from_a_private_file_or_the_environment(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    without = uri.partition("&pin-source")[0]
    monkeypatch.delenv("PROBANT_PIN", raising=False)
    with pytest.raises(Misuse, match="PROBANT_PIN"):
        HsmKeyring.exists(without)
    pin = tmp_path / "open pin"
    pin.write_text(PIN)
    pin.chmod(0o644)
    with pytest.raises(Misuse, match="open to others"):
        HsmKeyring.exists(f"{without}&pin-source=file:{pin}")
    with pytest.raises(Misuse, match="cannot be read"):
        HsmKeyring.exists(f"{without}&pin-source=file:{tmp_path / 'absent'}")
    monkeypatch.setenv("PROBANT_PIN", "0000")
    with pytest.raises(Misuse, match="PIN") as caught:
        HsmKeyring.exists(without)
    assert "0000" not in str(caught.value)
    monkeypatch.setenv("PROBANT_PIN", PIN)
    assert not HsmKeyring.exists(without)


def test_a_missing_module_or_token_is_said(uri: str, tmp_path: Path):
    pin = uri.partition("pin-source=")[2]
    with pytest.raises(Misuse, match="module"):
        HsmKeyring.exists(f"pkcs11:token=a?module-path={tmp_path / 'no.so'}&pin-source={pin}")
    real = hsm.parse(uri).module
    with pytest.raises(Misuse, match="token"):
        HsmKeyring.exists(f"pkcs11:token=nobody?module-path={real}&pin-source={pin}")
