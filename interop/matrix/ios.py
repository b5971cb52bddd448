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


#: Addresses of the same tunnel over IPv6 with IPv6 inside.
V6 = dict(local="fd09::1", remote="fd09::2", inside="fd01::", outside="fd02::", inside_address="fd01::1")


@dataclass
class Site:
    """One gateway's view of one tunnel; its networks and its peers may be of either family."""
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

    def traffic(self):
        """The access list of the map, named `traffic`."""
        ends = (self.local, self.remote) if self.transport else (self.inside, self.outside)
        protocol = self.protocol
        if ":" in ends[0]:
            what = " ".join(f"host {end}" if self.transport else f"{end}/64" for end in ends)
            return f"ipv6 access-list traffic\n permit {'ipv6' if protocol == 'ip' else protocol} {what}"
        what = " ".join(f"host {end}" if self.transport else f"{end} 0.0.0.255" for end in ends)
        return f"ip access-list extended traffic\n permit {protocol} {what}"

    def route(self):
        """The way to the other network: by the peer, where it is of the same family."""
        by = self.remote if (":" in self.remote) == (":" in self.outside) else "Serial0"
        return f"ipv6 route {self.outside}/64 {by}" if ":" in self.outside else f"ip route {self.outside} 255.255.255.0 {by}"

    def text(self):
        cipher, digest, group = self.ike.split("-")
        names = ""
        key = f"crypto isakmp key {quoted(self.key)} address " + (f"ipv6 {self.remote}/128" if ":" in self.remote else self.remote)
        if self.aggressive:
            names = f"ip domain-name lab\nip host b.lab {self.remote}\ncrypto isakmp identity hostname\n"
            key = f"crypto isakmp key {quoted(self.key)} hostname b.lab"
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
 match address traffic
interface Ethernet0
 {on_interface(self.inside_address)}
interface Serial0
 {on_interface(self.local)}
 crypto map lab
{self.route()}
{self.traffic()}
{self.more}
end
"""


def on_interface(address):
    return f"ipv6 address {address}/64" if ":" in address else f"ip address {address} 255.255.255.0"


def quoted(key):
    """Keys of the matrix have no blanks, because IOS's have none."""
    assert " " not in key
    return key
