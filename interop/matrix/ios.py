"""Configurations for our gateway, made of the words that peers use for algorithms."""
from dataclasses import dataclass

CIPHERS = {"des": "des", "3des": "3des", "aes128": "aes 128", "aes192": "aes 192", "aes256": "aes 256"}
HASHES = {"md5": "md5", "sha1": "sha", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
GROUPS = {"modp768": 1, "modp1024": 2, "modp1536": 5, "modp2048": 14, "modp3072": 15, "modp4096": 16, "ecp256": 19, "ecp384": 20,
          "ecp521": 21}
ESP = {"des": "esp-des", "3des": "esp-3des", "aes128": "esp-aes", "aes192": "esp-aes 192", "aes256": "esp-aes 256", "null": "esp-null",
       "aes128gcm16": "esp-gcm", "aes256gcm16": "esp-gcm 256"}
HMACS = {"md5": "md5", "sha1": "sha", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}


def transforms(esp=None, ah=None):
    """`des-sha1` and `sha1` to the words of a transform set."""
    words = [f"ah-{HMACS[ah]}-hmac"] if ah else []
    if esp:
        cipher, _, integrity = esp.partition("-")
        words.append(ESP[cipher])
        if integrity:
            words.append(f"esp-{HMACS[integrity]}-hmac")
    return " ".join(words)


@dataclass
class Site:
    """One gateway's view of one tunnel."""
    ike: str = "aes128-sha1-modp1024"
    esp: str = "aes128-sha1"
    ah: str = None
    pfs: str = None
    key: str = "labsecret"
    aggressive: bool = False
    transport: bool = False
    local: str = "10.9.0.1"
    remote: str = "10.9.0.2"
    inside: str = "10.1.0.0"
    outside: str = "10.2.0.0"
    inside_address: str = "10.1.0.1"
    #: What the access list of transport mode names.
    protocol: str = "ip"
    more: str = ""
    ike_seconds: int = 86400
    ipsec_seconds: int = 3600

    def text(self):
        cipher, digest, group = self.ike.split("-")
        names = ""
        key = f"crypto isakmp key {quoted(self.key)} address {self.remote}"
        if self.aggressive:
            names = f"ip domain-name lab\nip host b.lab {self.remote}\ncrypto isakmp identity hostname\n"
            key = f"crypto isakmp key {quoted(self.key)} hostname b.lab"
        if self.transport:
            traffic = f"access-list 101 permit {self.protocol} host {self.local} host {self.remote}"
        else:
            traffic = f"access-list 101 permit ip {self.inside} 0.0.0.255 {self.outside} 0.0.0.255"
        pfs = f" set pfs group{GROUPS[self.pfs]}\n" if self.pfs else ""
        return f"""version 12.4
hostname a
{names}crypto isakmp policy 10
 encryption {CIPHERS[cipher]}
 hash {HASHES[digest]}
 authentication pre-share
 group {GROUPS[group]}
 lifetime {self.ike_seconds}
{key}
crypto ipsec transform-set wanted {transforms(self.esp, self.ah)}
 mode {'transport' if self.transport else 'tunnel'}
crypto map lab 10 ipsec-isakmp
 set peer {self.remote}
 set transform-set wanted
{pfs} set security-association lifetime seconds {self.ipsec_seconds}
 match address 101
interface Ethernet0
 ip address {self.inside_address} 255.255.255.0
interface Serial0
 ip address {self.local} 255.255.255.0
 crypto map lab
ip route {self.outside} 255.255.255.0 {self.remote}
{traffic}
{self.more}
end
"""


def quoted(key):
    """Keys of the matrix have no blanks, because IOS's have none."""
    assert " " not in key
    return key
