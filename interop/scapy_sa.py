"""One SA of scapy's, ESP or AH, in the terms of the requests that the gateway's example `packets` reads."""
import logging
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.config import conf

conf.route_autoload = conf.route6_autoload = False
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, ESP, SecurityAssociation, zero_mutable_fields

CIPHERS = {"null": "NULL", "des-cbc": "DES", "3des-cbc": "3DES", "aes-cbc": "AES-CBC", "aes-ctr": "AES-CTR", "aes-gcm": "AES-GCM"}
MACS = {"none": "NULL", "md5": "HMAC-MD5-96", "sha1": "HMAC-SHA1-96", "sha256": "SHA2-256-128", "sha384": "SHA2-384-192",
        "sha512": "SHA2-512-256"}
NAT_T_PORT = 4500


def ip(octets):
    """A packet by its version."""
    return IPv6(octets) if octets[0] >> 4 == 6 else IP(octets)


class Sa:
    """`layer` is a dictionary with the names of a request."""

    def __init__(self, layer):
        self.layer, self.protocol = layer, {"esp": ESP, "ah": AH}[layer["protocol"]]
        self.made = self.association()

    def association(self):
        layer, tunnel = self.layer, None
        if "local" in layer:
            tunnel = (IPv6 if ":" in layer["local"] else IP)(src=layer["local"], dst=layer["remote"])
        return SecurityAssociation(
            self.protocol, spi=layer["spi"], seq_num=1, tunnel_header=tunnel,
            crypt_algo=CIPHERS[layer["cipher"]] if self.protocol is ESP else None, crypt_key=layer.get("key"),
            auth_algo=MACS[layer["mac"]], auth_key=layer.get("mac-key"),
            nat_t_header=UDP(sport=NAT_T_PORT, dport=NAT_T_PORT) if layer.get("udp") else None)

    def extended(self, high):
        return {"esn_en": True, "esn": high} if self.layer.get("extended") else {}

    def seal(self, packet, number):
        """The octets of `packet`, sealed under a number of up to 64 bits."""
        high, low = divmod(number, 1 << 32)
        sealed = self.made.encrypt(ip(packet), seq_num=low, **self.extended(high))
        if self.protocol is AH and sealed.haslayer(ESP):
            self.sign_around(sealed)
        if self.layer.get("udp"):
            # scapy fixes the length before ESP is behind the header: it says 8.
            sealed[UDP].len = len(bytes(sealed[UDP]))
        return bytes(sealed)

    def sign_around(self, sealed):
        """scapy signs ESP inside of AH a second time, where AH's own ICV is meant: takes that off and signs the whole."""
        algorithm = self.made.auth_algo
        sealed[ESP].data = sealed[ESP].data[:-algorithm.icv_size]
        mac = algorithm.new_mac(self.made.auth_key)
        mac.update(bytes(zero_mutable_fields(sealed.copy(), sending=True)))
        sealed[AH].icv = mac.finalize()[:algorithm.icv_size]

    def open(self, octets, high=0):
        """What was in a packet, or an exception."""
        packet = ip(octets)
        if self.layer.get("udp"):
            packet[UDP].payload = ESP(bytes(packet[UDP].payload))
        # An association remembers what it took off.
        return bytes(self.association().decrypt(packet, **self.extended(high)))
